-- Under leave-one-out each user with 3 or more interactions has one validation row, and nobody else has
-- one. Under a time split a user has all interactions from the beginning of validation to the cut.
--
-- table: validation
-- remedy: materialize users, interactions, split_rule and validation together
with expected as (
  select
    users.user,
    users.n_interactions,
    case
      when max(split_rule.split) = 'time_split'
        then
          sum(
            case
              when
                interactions.timestamp >= split_rule.validation_from
                and interactions.timestamp < split_rule.test_from
                then 1
              else 0
            end
          )
      when users.n_interactions >= 3 then 1
      else 0
    end as n
  from users
  cross join split_rule
  inner join interactions on users.user = interactions.user
  group by users.user, users.n_interactions
),

found as (
  select user, count(*) as n from validation group by user
)

select
  expected.user,
  expected.n_interactions,
  expected.n as expected,
  coalesce(found.n, 0) as validation_rows
from expected
left join found on expected.user = found.user
where expected.n <> coalesce(found.n, 0)
