-- Under leave-one-out a user's train rows are all interactions but two, or all of them if there are
-- fewer than 3. Under a time split they are all before validation begins.
--
-- table: train
-- remedy: materialize users, interactions, split_rule and train together
with expected as (
  select
    users.user,
    users.n_interactions,
    case
      when max(split_rule.split) = 'time_split'
        then sum(case when interactions.timestamp < split_rule.validation_from then 1 else 0 end)
      when users.n_interactions >= 3 then users.n_interactions - 2
      else users.n_interactions
    end as n
  from users
  cross join split_rule
  inner join interactions on users.user = interactions.user
  group by users.user, users.n_interactions
),

found as (
  select user, count(*) as n from train group by user
)

select expected.user, expected.n_interactions, expected.n as expected, coalesce(found.n, 0) as train_rows
from expected
left join found on expected.user = found.user
where expected.n <> coalesce(found.n, 0)
