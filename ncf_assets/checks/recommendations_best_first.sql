-- No item scores higher than the one before it on the user's list.
--
-- table: recommendations
-- remedy: report the row: ncf_assets/ncf/recommend/top_k.py is wrong
select later.user_id, later.position, later.score, earlier.score as score_before
from recommendations as later
inner join recommendations as earlier
  on later.user_id = earlier.user_id and later.position = earlier.position + 1
where later.score > earlier.score
