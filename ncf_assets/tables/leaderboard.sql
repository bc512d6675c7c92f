-- Datasets are compared by their figures over all test users; every dataset with a report is here.
-- The select runs on one dataset after the other. The header of metrics explains the figures.
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
  cast($report as varchar) as report,
  cast($report_content as varchar) as report_content,
  cast($state as varchar) as state
from metrics
where segment = 'all'
order by dataset, model, protocol, metric, k
