-- Every model that was ranked, also one from outside, has every figure.
--
-- table: metrics
-- remedy: materialize test_ranks, outside_ranks, metrics and comparisons together
with models as (
  select model from test_ranks
  union
  select model from outside_ranks
),

figures as (
  select distinct protocol, segment, metric, k from metrics
)

select models.model, figures.protocol, figures.segment, figures.metric, figures.k
from models
left join figures on true
left join metrics
  on models.model = metrics.model
  and figures.protocol = metrics.protocol
  and figures.segment = metrics.segment
  and figures.metric = metrics.metric
  and figures.k = metrics.k
where metrics.model is null
