-- Every seed of a network ranks the test items that the published model ranks, in lists of the same
-- length, and the rows of its own seed are the published model's.
--
-- table: seed_ranks
-- remedy: materialize test_candidates, the networks, test_ranks and seed_ranks together
with trainings as (
  select model, seed, seed = min(seed) over (partition by model) as is_own
  from (select distinct model, seed from seed_ranks) as found
)

select
  trainings.model,
  trainings.seed,
  own.protocol,
  own.user,
  own.item,
  own.n_candidates as expected,
  again.n_candidates
from trainings
inner join test_ranks as own on trainings.model = own.model
left join seed_ranks as again
  on trainings.model = again.model
  and trainings.seed = again.seed
  and own.protocol = again.protocol
  and own.user = again.user
  and own.item = again.item
where
  again.n_candidates is distinct from own.n_candidates
  or (
    trainings.is_own
    and (again.n_better is distinct from own.n_better or again.n_tied is distinct from own.n_tied)
  )
