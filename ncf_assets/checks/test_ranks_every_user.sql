-- Every model ranks the list of every test user.
--
-- table: test_ranks
-- remedy: materialize test_candidates, the models and test_ranks together
with models as (
  select distinct model, protocol from test_ranks
),

lists as (
  select user, count(*) as n_candidates from test_candidates group by user
)

select models.model, models.protocol, lists.user, lists.n_candidates
from models
cross join lists
left join test_ranks
  on models.model = test_ranks.model
  and models.protocol = test_ranks.protocol
  and lists.user = test_ranks.user
  and lists.n_candidates = test_ranks.n_candidates
where test_ranks.user is null
