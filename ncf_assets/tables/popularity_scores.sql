-- Popularity is what a model must beat: each item has a score that does not depend on the user.
--
-- grain: one item
-- key: model, item
--
-- column model VARCHAR: 'popularity'
-- column item INTEGER: items.item
-- column score DOUBLE: the higher, the better; for popularity the number of train interactions
select
  'popularity' as model,
  items.item,
  cast(count(train.user) as double) as score
from items
left join train on items.item = train.item
group by items.item
order by items.item
