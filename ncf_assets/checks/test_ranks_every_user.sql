-- Every model ranks every test item twice: among the sampled candidates, and among all unseen items.
--
-- table: test_ranks
-- also: outside_ranks
-- remedy: materialize interactions, test_candidates, the models and test_ranks together
with held_out as (
  select user, count(*) as n from test group by user
),

lists as (
  select 'sampled' as kind, user, count(*) as n_candidates
  from test_candidates
  group by user
  union all
  -- the items that the user has not rated, and the held-out ones
  select
    'full' as kind,
    held_out.user,
    (select count(*) from items) - users.n_interactions + held_out.n as n_candidates
  from held_out
  inner join users on held_out.user = users.user
),

models as (
  select distinct model from test_ranks
),

ranked as (
  select
    model,
    user,
    item,
    n_candidates,
    case when protocol = 'full' then 'full' else 'sampled' end as kind
  from test_ranks
)

select models.model, lists.kind, lists.user, test.item, lists.n_candidates
from models
cross join lists
inner join test on lists.user = test.user
left join ranked
  on models.model = ranked.model
  and lists.kind = ranked.kind
  and lists.user = ranked.user
  and test.item = ranked.item
  and lists.n_candidates = ranked.n_candidates
where ranked.user is null
