-- Values lie within 0 and 1, and each interval contains its value. From 30 users on there is one. A
-- corrected value is an estimate without an interval, and may lie outside 0 and 1.
--
-- table: metrics
-- remedy: report the row: a formula in ncf_assets/ncf/evaluation/metrics.py is wrong
select model, protocol, segment, metric, k, value, ci_low, ci_high
from metrics
where
  (not value between 0 and 1 and protocol not like '%-corrected')
  or (ci_low is null) <> (n_users < 30 or protocol like '%-corrected')
  or (ci_high is null) <> (n_users < 30 or protocol like '%-corrected')
  or not value between ci_low - 1e-12 and ci_high + 1e-12
