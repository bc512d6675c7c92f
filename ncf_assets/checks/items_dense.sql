-- Ids run from 0 to the number of items less one, and each item_id has one.
--
-- table: items
-- remedy: materialize items again from raw_reviews
select item, item_id
from items
where item < 0 or item >= (select count(*) from items)
union all
select min(item) as item, item_id
from items
group by item_id
having count(*) > 1
