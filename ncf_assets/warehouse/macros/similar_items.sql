-- Items that the network takes for alike, the most similar first; none for an unknown item.
--
-- parameters: dataset, item_id
with asked as (select dataset as wanted, item_id as shown)

select listed.position, listed.similar_item_id as item_id, listed.similarity
from item_neighbours as listed
inner join asked on listed.dataset = asked.wanted and listed.item_id = asked.shown
order by listed.position
