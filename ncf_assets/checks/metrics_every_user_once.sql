-- The bins of users by history count every test user once. So do the bins by popularity together
-- with the cold items.
--
-- table: metrics
-- remedy: materialize train, test, test_ranks, metrics and comparisons together
with members as (
  select
    model,
    protocol,
    metric,
    k,
    case
      when segment = 'all' then 'all'
      when segment like 'history %' then 'history'
      else 'popularity'
    end as kind,
    sum(n_users) as n_users
  from metrics
  group by all
),

kinds as (
  select 'all' as kind
  union all
  select 'history' as kind
  union all
  select 'popularity' as kind
),

figures as (
  select distinct model, protocol, metric, k from members
)

select figures.model, figures.protocol, figures.metric, figures.k, kinds.kind, members.n_users
from figures
cross join kinds
left join members using (model, protocol, metric, k, kind)
where coalesce(members.n_users, 0) <> (select count(*) from test)
