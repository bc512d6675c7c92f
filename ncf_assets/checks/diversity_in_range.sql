-- There are three figures for each length of list. Shares and the Gini index lie within 0 and 1,
-- and novelty is not below 0, which is that of an item that everybody has.
--
-- table: diversity
-- remedy: materialize items, train, the models, recommendations and diversity together
with lengths as (
  select 10 as k
  union all
  select 20 as k
),

wanted as (
  select 'coverage' as metric, k, 1.0 as highest
  from lengths
  union all
  select 'gini' as metric, k, 1.0 as highest
  from lengths
  union all
  select 'novelty' as metric, k, null as highest
  from lengths
)

select metric, k, diversity.model, diversity.value
from wanted
full join diversity using (metric, k)
where
  diversity.value is null
  or diversity.value < 0
  or diversity.value > wanted.highest
