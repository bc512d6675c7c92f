-- Every model ranks every test user twice: among the sampled candidates, and among all unseen
-- items.
--
-- table: test_ranks
-- remedy: materialize interactions, test_candidates, the models and test_ranks together
with lists as (
  select 'sampled' as kind, user, count(*) as n_candidates
  from test_candidates
  group by user
  union all
  -- the items that the user has not rated, and the held-out one
  select
    'full' as kind,
    test.user,
    (select count(*) from items) - users.n_interactions + 1 as n_candidates
  from test
  inner join users on test.user = users.user
),

models as (
  select distinct model from test_ranks
),

ranked as (
  select
    model,
    user,
    n_candidates,
    case when protocol = 'full' then 'full' else 'sampled' end as kind
  from test_ranks
)

select models.model, lists.kind, lists.user, lists.n_candidates
from models
cross join lists
left join ranked
  on models.model = ranked.model
  and lists.kind = ranked.kind
  and lists.user = ranked.user
  and lists.n_candidates = ranked.n_candidates
where ranked.user is null
