-- A user of whom nothing is known is shown the popular items: the 20 with the most interactions.
--
-- grain: one item
-- key: position
--
-- column position INTEGER: from 1, the most popular first; equally popular items are in the order of item_id
-- column item_id VARCHAR: items.item_id
-- column score DOUBLE: distinct users who have reviewed the item
with ordered as (
  select
    item_id,
    n_interactions,
    row_number() over (order by n_interactions desc, item_id) as position
  from items
)

select
  position,
  item_id,
  cast(n_interactions as double) as score
from ordered
where position <= 20
order by position
