-- Items that the network takes for alike, the most similar first; none for an unknown item.
--
-- parameters: the_dataset, the_item_id
select listed.position, listed.similar_item_id as item_id, listed.similarity
from item_neighbours as listed
where listed.dataset = the_dataset and listed.item_id = the_item_id
order by listed.position
