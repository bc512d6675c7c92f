-- There are five figures for each model and length of list. Shares and the Gini index lie within 0
-- and 1, and novelty is not below 0, which is that of an item that everybody has.
--
-- table: diversity
-- remedy: materialize interactions, the models and test_ranks together
with metrics as (
  select 'coverage' as metric, 1.0 as highest
  union all
  select 'gini' as metric, 1.0 as highest
  union all
  select 'novelty' as metric, null as highest
  union all
  select 'overlap' as metric, 1.0 as highest
  union all
  select 'popularity' as metric, 1.0 as highest
),

lists as (
  select distinct model, k from diversity
  union
  select 'popularity' as model, 10 as k
  union
  select 'popularity' as model, 20 as k
)

select lists.model, lists.k, metrics.metric, diversity.value
from lists
cross join metrics
left join diversity
  on lists.model = diversity.model
  and lists.k = diversity.k
  and metrics.metric = diversity.metric
where
  diversity.value is null
  or diversity.value < 0
  or diversity.value > metrics.highest
