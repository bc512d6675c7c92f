-- These figures show how the recommendations spread over the catalogue: how many items are shown to
-- anybody, how little known they are, and how unevenly they are shown.
--
-- grain: one figure of one length of list
-- key: model, metric, k
--
-- column model VARCHAR: the model that recommends
-- column metric VARCHAR: 'coverage', 'gini' or 'novelty'
-- column k INTEGER: the first k of each user's recommendations, or all if there are fewer
-- column value DOUBLE: coverage: share of all items that are shown to anybody, 0 to 1; gini: 0 if all items are shown equally often, near 1 if only one is shown; novelty: mean bits of -log2(share of train users who have the item; an item that none has counts as if one had it), rounded to nine decimals, as engines add in different orders
with lengths as (
  select 10 as k
  union all
  select 20 as k
),

shown as (
  select recommendations.reason as model, lengths.k, recommendations.item_id, count(*) as n
  from recommendations
  inner join lengths on recommendations.position <= lengths.k
  group by recommendations.reason, lengths.k, recommendations.item_id
),

listed as (
  select distinct model, k from shown
),

popularity as (
  select item, count(*) as n_train
  from train
  group by item
),

-- every item for each length of list, those that nobody is shown too
counted as (
  select
    listed.model,
    listed.k,
    coalesce(shown.n, 0) as n,
    -log2(
      coalesce(popularity.n_train, 1) * 1.0 / (select count(distinct user) from train)
    ) as bits
  from listed
  cross join items
  left join shown
    on listed.model = shown.model and listed.k = shown.k and items.item_id = shown.item_id
  left join popularity on items.item = popularity.item
),

ordered as (
  select
    model,
    k,
    n,
    bits,
    row_number() over (partition by model, k order by n) as nth,
    count(*) over (partition by model, k) as n_items
  from counted
),

figures as (
  select model, 'coverage' as metric, k, avg(case when n > 0 then 1.0 else 0.0 end) as value
  from ordered
  group by model, k
  union all
  -- the Gini index of sorted counts n_1 ≤ … ≤ n_N: Σ (2 i - N - 1) n_i / (N Σ n_i)
  select
    model,
    'gini' as metric,
    k,
    sum((2.0 * nth - n_items - 1) * n) / (max(n_items) * sum(n)) as value
  from ordered
  group by model, k
  union all
  select model, 'novelty' as metric, k, round(sum(n * bits) / sum(n), 9) as value
  from ordered
  group by model, k
)

select model, metric, k, value
from figures
order by model, metric, k
