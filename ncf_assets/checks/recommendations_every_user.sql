-- Each user has as many recommendations as were asked for, or all unseen items if they are fewer.
--
-- table: recommendations
-- parameters: top_k
-- remedy: materialize users, items, interactions, the models and recommendations together
with wanted as (
  select
    user_id,
    least($top_k, (select count(*) from items) - n_interactions) as n
  from users
),

found as (
  select user_id, count(distinct item_id) as n, max(position) as last_position
  from recommendations
  group by user_id
)

select user_id, wanted.n as wanted, found.n as found, found.last_position
from wanted
full join found using (user_id)
where
  coalesce(wanted.n, 0) <> coalesce(found.n, 0)
  or coalesce(found.last_position, 0) <> coalesce(found.n, 0)
