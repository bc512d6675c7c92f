-- Each user has as many interactions as users.n_interactions says, with recency 1, 2, 3, …
--
-- table: interactions
-- remedy: materialize users, items and interactions together
select
  users.user,
  users.n_interactions,
  count(interactions.item) as found,
  count(distinct interactions.recency) as distinct_recency,
  max(interactions.recency) as last_recency
from users
left join interactions on users.user = interactions.user
group by users.user, users.n_interactions
having
  count(interactions.item) <> users.n_interactions
  or count(distinct interactions.recency) <> users.n_interactions
  or max(interactions.recency) <> users.n_interactions
