-- Each item has as many similar items as were asked for, or all other items if they are fewer, and
-- never itself.
--
-- table: item_similarities
-- parameters: neighbors
-- remedy: materialize items, the models and item_similarities together
with found as (
  select
    item_id,
    count(distinct similar_item_id) as n,
    sum(case when item_id = similar_item_id then 1 else 0 end) as itself
  from item_similarities
  group by item_id
)

select item_id, found.n, found.itself
from items
full join found using (item_id)
where
  coalesce(found.itself, 0) > 0
  or coalesce(found.n, 0) <> least($neighbors, (select count(*) from items) - 1)
