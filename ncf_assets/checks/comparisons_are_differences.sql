-- No difference is missing. Each one is that of the two models' figures over all test users, and
-- lies within its interval, which is there from 30 users on. Estimates are not compared.
--
-- table: comparisons
-- remedy: materialize test_ranks, metrics and comparisons together
with expected as (
  select
    ours.model,
    theirs.model as baseline,
    ours.protocol,
    ours.metric,
    ours.k,
    ours.value - theirs.value as difference
  from metrics as ours
  inner join metrics as theirs
    on ours.protocol = theirs.protocol
    and ours.segment = theirs.segment
    and ours.metric = theirs.metric
    and ours.k = theirs.k
  where
    ours.model = 'neumf'
    and theirs.model <> 'neumf'
    and ours.segment = 'all'
    and ours.metric in ('hr', 'ndcg')
    and ours.protocol not like '%-corrected'
)

select
  model,
  baseline,
  protocol,
  metric,
  k,
  comparisons.difference,
  expected.difference as expected,
  comparisons.ci_low,
  comparisons.ci_high
from comparisons
full join expected using (model, baseline, protocol, metric, k)
where
  comparisons.difference is null
  or expected.difference is null
  or abs(comparisons.difference - expected.difference) > 1e-9
  or (comparisons.ci_low is null) <> (comparisons.n_users < 30)
  or (comparisons.ci_high is null) <> (comparisons.n_users < 30)
  or not comparisons.difference
    between comparisons.ci_low - 1e-12 and comparisons.ci_high + 1e-12
