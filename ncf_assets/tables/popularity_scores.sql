-- Popularity is what a model must beat: each item has a score that does not depend on the user.
--
-- grain: one item
-- key: model, item
--
-- column model VARCHAR: 'popularity'
-- column item INTEGER: items.item
-- column score DOUBLE: the higher, the better; for popularity the number of interactions in train and validation
with known as (
  select user, item from train
  union all
  select user, item from validation
)

select
  'popularity' as model,
  items.item,
  cast(count(known.user) as double) as score
from items
left join known on items.item = known.item
group by items.item
order by items.item
