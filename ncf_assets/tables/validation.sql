-- Leave-one-out holds out the second last interaction of each user with 3 or more. Settings
-- and epochs are chosen on it.
--
-- grain: one user with 3 or more interactions
-- key: user
--
-- column user INTEGER: users.user
-- column item INTEGER: items.item, the held-out item
-- column rank INTEGER: dense rank by time within the user, from 1
-- column recency INTEGER: 1 for the user's last interaction, 2 for the one before; see interactions
-- column rating DOUBLE: raw_reviews.rating
select
  interactions.user,
  interactions.item,
  interactions.rank,
  interactions.recency,
  interactions.rating
from interactions
inner join users on interactions.user = users.user
where interactions.recency = 2 and users.n_interactions >= 3
order by interactions.user
