-- Each test user has as many negatives as were asked for, all distinct, at positions 1, 2, 3, …
--
-- table: negatives
-- parameters: n_negatives
-- remedy: materialize negatives again; if the check fails again, report the row with seed and user
with test_users as (
  select distinct user from test
)

select
  coalesce(test_users.user, negatives.user) as user,
  count(negatives.item) as negatives,
  count(distinct negatives.item) as distinct_items
from test_users
full join negatives on test_users.user = negatives.user
group by test_users.user, negatives.user
having
  test_users.user is null
  or count(distinct negatives.item) <> $n_negatives
  or count(negatives.item) <> $n_negatives
  or min(negatives.position) <> 1
  or max(negatives.position) <> $n_negatives
