-- Every test user with a history in train or validation is counted once by 'all', once by the bins of
-- users by history, and once by the bins by popularity with the cold items. The others are counted
-- once by 'history 0'.
--
-- table: metrics
-- remedy: materialize train, validation, test, test_ranks, metrics and comparisons together
with members as (
  select
    model,
    protocol,
    metric,
    k,
    case
      when segment = 'all' then 'all'
      when segment = 'history 0' then 'new'
      when segment like 'history %' then 'history'
      else 'popularity'
    end as kind,
    sum(n_users) as n_users
  from metrics
  group by all
),

histories as (
  select user from train
  union
  select user from validation
),

test_users as (
  select
    count(*) as n,
    count(histories.user) as n_known
  from (select distinct user from test) as tested
  left join histories on tested.user = histories.user
),

kinds as (
  select 'all' as kind, n_known as n_users from test_users
  union all
  select 'history' as kind, n_known as n_users from test_users
  union all
  select 'popularity' as kind, n_known as n_users from test_users
  union all
  select 'new' as kind, n - n_known as n_users from test_users
),

figures as (
  select distinct model, protocol, metric, k from members
)

select
  figures.model,
  figures.protocol,
  figures.metric,
  figures.k,
  kinds.kind,
  kinds.n_users as expected,
  members.n_users
from figures
cross join kinds
left join members using (model, protocol, metric, k, kind)
where coalesce(members.n_users, 0) <> kinds.n_users
