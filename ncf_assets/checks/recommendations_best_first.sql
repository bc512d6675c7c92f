-- No item scores higher than the one before it on the user's list.
--
-- table: recommendations
-- remedy: ncf_assets/ncf/recommending.py is wrong; report it
select later.user_id, later.position, later.score, earlier.score as score_before
from recommendations as later
inner join recommendations as earlier
  on later.user_id = earlier.user_id and later.position = earlier.position + 1
where later.score > earlier.score
