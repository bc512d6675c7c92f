-- No more candidates are better or tied than the list has besides the held-out item.
--
-- table: test_ranks
-- also: outside_ranks
-- remedy: materialize test_candidates, the models and test_ranks together
select model, protocol, user, item, n_candidates, n_better, n_tied
from test_ranks
where n_better < 0 or n_tied < 0 or n_better + n_tied > n_candidates - 1
