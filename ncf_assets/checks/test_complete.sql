-- Under leave-one-out each user with 3 or more interactions has one test row, and nobody else has one.
-- Under a time split a user with interactions from the cut on has all of them, or one of them.
--
-- table: test
-- remedy: materialize users, interactions, split_rule and test together
with late as (
  select
    users.user,
    users.n_interactions,
    split_rule.split,
    split_rule.targets,
    sum(case when interactions.timestamp >= split_rule.test_from then 1 else 0 end) as n
  from users
  cross join split_rule
  inner join interactions on users.user = interactions.user
  group by users.user, users.n_interactions, split_rule.split, split_rule.targets
),

expected as (
  select
    user,
    n_interactions,
    case
      when split = 'time_split' and targets = 'all' then n
      when split = 'time_split' then least(n, 1)
      when n_interactions >= 3 then 1
      else 0
    end as n
  from late
),

found as (
  select user, count(*) as n from test group by user
)

select expected.user, expected.n_interactions, expected.n as expected, coalesce(found.n, 0) as test_rows
from expected
left join found on expected.user = found.user
where expected.n <> coalesce(found.n, 0)
