-- Each baseline scores every item once.
--
-- table: baselines
-- remedy: materialize items, train and baselines together
select items.item, count(baselines.item) as scores
from items
left join baselines on items.item = baselines.item and baselines.model = 'popularity'
group by items.item
having count(baselines.item) <> 1
