-- Datasets are compared by their figures over all test users; every dataset with a report is here.
-- The select runs on one dataset after the other. The headers of metrics and comparisons explain the
-- figures and the verdicts; the view leaderboard_summary compares the models over all datasets.
--
-- grain: one metric of one model on one dataset
-- key: dataset, model, protocol, metric, k
-- parameters: dataset, report, report_content, state
--
-- column dataset VARCHAR: as in datasets.toml
-- column model VARCHAR: metrics.model
-- column protocol VARCHAR: metrics.protocol
-- column metric VARCHAR: metrics.metric
-- column k INTEGER: metrics.k
-- column value DOUBLE: metrics.value
-- column ci_low DOUBLE null: metrics.ci_low
-- column ci_high DOUBLE null: metrics.ci_high
-- column n_users INTEGER: test users
-- column n_seeds INTEGER: metrics.n_seeds
-- column seed_deviation DOUBLE null: metrics.seed_deviation
-- column difference DOUBLE null: comparisons.difference, of NeuMF to this model; null for NeuMF itself and for what is not compared
-- column verdict VARCHAR null: comparisons.verdict, on NeuMF
-- column report VARCHAR: path of the dataset's report below the data folder
-- column report_content VARCHAR: content hash of the report, as in its report.json
-- column state VARCHAR: 'current', or 'out of date' if something that the report comes from has been replaced since
select
  cast($dataset as varchar) as dataset,
  model,
  protocol,
  metric,
  k,
  value,
  ci_low,
  ci_high,
  n_users,
  n_seeds,
  seed_deviation,
  difference,
  verdict,
  cast($report as varchar) as report,
  cast($report_content as varchar) as report_content,
  cast($state as varchar) as state
from metrics
left join (
  select baseline as model, protocol, metric, k, difference, verdict
  from comparisons
) as differences using (model, protocol, metric, k)
where segment = 'all'
order by dataset, model, protocol, metric, k
