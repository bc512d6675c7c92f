-- With one relevant item NDCG@k cannot exceed HR@k: a hit at rank 1 counts 1, any other less.
-- The rule does not apply to corrected values, as single estimates lie outside a metric's range.
--
-- table: metrics
-- remedy: report the row: a formula in ncf_assets/ncf/evaluation/metrics.py is wrong
select ndcg.model, ndcg.protocol, ndcg.segment, ndcg.k, ndcg.value as ndcg, hr.value as hr
from metrics as ndcg
inner join metrics as hr
  on ndcg.model = hr.model
  and ndcg.protocol = hr.protocol
  and ndcg.segment = hr.segment
  and ndcg.k = hr.k
  and replace(ndcg.metric, 'ndcg', 'hr') = hr.metric
where
  ndcg.metric like 'ndcg%'
  and ndcg.value > hr.value + 1e-12
  and ndcg.protocol not like '%-corrected'
