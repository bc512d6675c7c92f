-- A model has five figures for each length of list. Shares and the Gini index lie within 0 and 1, and
-- novelty is not below 0.
--
-- table: outside_diversity
-- remedy: materialize interactions, popularity_scores and outside_ranks together
select model, k, count(*) as figures, min(value) as lowest, max(value) as highest
from outside_diversity
group by model, k
having
  count(*) <> 5
  or min(value) < 0
  or max(case when metric <> 'novelty' then value else 0 end) > 1
