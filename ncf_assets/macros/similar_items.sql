-- This macro lists the items that are most similar to an item in the network's embeddings, the most
-- similar first. An unknown item has none.
--
-- parameters: the_dataset, the_item_id
select listed.position, listed.similar_item_id as item_id, listed.similarity, details.title
from item_similarities as listed
left join item_details as details
  on details.dataset = listed.dataset and details.item_id = listed.similar_item_id
where listed.dataset = cast(the_dataset as varchar) and listed.item_id = cast(the_item_id as varchar)
union all
select null as position, null as item_id, null as similarity, null as title
where not is_dataset(the_dataset)
order by position
