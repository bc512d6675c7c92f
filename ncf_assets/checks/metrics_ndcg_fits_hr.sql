-- With one held-out item, a hit at rank r adds 1 / log2(r + 1) to NDCG, so NDCG follows from HR but
-- for where the hits are. The hits that NDCG@10 has and NDCG@5 has not are at ranks 6 to 10: they add
-- .356 each at most, and .289 at least; those of NDCG@5 add 1 at most, and .387 at least. So for any
-- two lengths. The rule does not apply to users with several held-out items, as a time split may have,
-- nor to corrected values, which are single estimates.
--
-- table: metrics
-- remedy: report the row: a formula in ncf_assets/ncf/evaluation/metrics.py is wrong
with pairs as (
  select
    ndcg.model,
    ndcg.protocol,
    ndcg.segment,
    ndcg.metric,
    ndcg.k,
    ndcg.value as ndcg,
    hr.value as hr
  from metrics as ndcg
  inner join metrics as hr
    on ndcg.model = hr.model
    and ndcg.protocol = hr.protocol
    and ndcg.segment = hr.segment
    and ndcg.k = hr.k
    and replace(ndcg.metric, 'ndcg', 'hr') = hr.metric
  where
    ndcg.metric like 'ndcg%'
    and ndcg.protocol not like '%-corrected'
    and not exists (select 1 from test group by user having count(*) > 1)
),

shorter as (
  select
    *,
    lag(k, 1, 0) over lengths as shorter_k,
    hr - lag(hr, 1, 0.0) over lengths as more_hr,
    ndcg - lag(ndcg, 1, 0.0) over lengths as more_ndcg
  from pairs
  window lengths as (partition by model, protocol, segment, metric order by k)
)

select model, protocol, segment, metric, shorter_k, k, more_hr, more_ndcg, hr, ndcg
from shorter
where
  more_ndcg < more_hr / log2(k + 1) - 1e-12
  or more_ndcg > more_hr / log2(shorter_k + 2) + 1e-12
