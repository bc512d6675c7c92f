-- Each held-out item has as many negatives as were asked for, all distinct, at positions 1, 2, 3, …
--
-- table: negatives
-- parameters: n_negatives
-- remedy: materialize negatives again; if the check fails again, report the row with seed and user
with held_out as (
  select 'test' as split, user from test
  union all
  select 'validation' as split, user from validation
)

select
  coalesce(held_out.split, negatives.split) as split,
  coalesce(held_out.user, negatives.user) as user,
  count(negatives.item) as negatives,
  count(distinct negatives.item) as distinct_items
from held_out
full join negatives on held_out.split = negatives.split and held_out.user = negatives.user
group by held_out.split, held_out.user, negatives.split, negatives.user
having
  held_out.user is null
  or count(distinct negatives.item) <> $n_negatives
  or count(negatives.item) <> $n_negatives
  or min(negatives.position) <> 1
  or max(negatives.position) <> $n_negatives
