-- The figures of a network's seeds have the mean, the standard deviation (n - 1) and the number that
-- metrics says; where it says one seed, there are none.
--
-- table: seed_metrics
-- remedy: materialize test_ranks, seed_ranks, metrics and comparisons together
with seeds as (
  select
    model,
    protocol,
    metric,
    k,
    count(*) as n_seeds,
    avg(value) as value,
    stddev_samp(value) as seed_deviation
  from seed_metrics
  group by all
)

select
  model,
  protocol,
  metric,
  k,
  metrics.n_seeds,
  seeds.n_seeds as n_found,
  metrics.value,
  seeds.value as mean,
  metrics.seed_deviation,
  seeds.seed_deviation as deviation
from (select * from metrics where segment = 'all') as metrics
full join seeds using (model, protocol, metric, k)
where
  metrics.n_seeds is null
  or metrics.n_seeds <> coalesce(seeds.n_seeds, 1)
  or abs(metrics.value - seeds.value) > 1e-9
  or (metrics.n_seeds = 1) <> (metrics.seed_deviation is null)
  or abs(metrics.seed_deviation - seeds.seed_deviation) > 1e-9
