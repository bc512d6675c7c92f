-- The table has 20 items, or all items if they are fewer, and no other item is more popular.
--
-- table: popular_items
-- remedy: materialize items and popular_items together
with listed as (
  select count(*) as n, min(score) as lowest from popular_items
)

select listed.n, listed.lowest, items.item_id, items.n_interactions
from items
cross join listed
left join popular_items on items.item_id = popular_items.item_id
where
  popular_items.item_id is null
  and (listed.n < 20 or items.n_interactions > listed.lowest)
