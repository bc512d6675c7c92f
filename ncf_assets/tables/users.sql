-- Every user with at least one review that counts has a dense number: this is the id map for
-- embeddings.
--
-- grain: one user
-- key: user
--
-- column user INTEGER: dense id from 0, in the order of user_id, so that file order does not matter
-- column user_id VARCHAR: the id in the source file
-- column n_interactions INTEGER: distinct items the user has reviewed
select
  row_number() over (order by user_id) - 1 as user,
  user_id,
  count(*) as n_interactions
from latest_reviews
group by user_id
order by user
