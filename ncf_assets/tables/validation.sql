-- Settings and epochs are chosen on these rows. Under leave-one-out they are the second last interaction
-- of each user with 3 or more; under a time split, the last interactions of all users before the cut.
--
-- grain: one held-out pair of user and item
-- key: user, item
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
cross join split_rule
where
  case
    when split_rule.split = 'time_split'
      then
        interactions.timestamp >= split_rule.validation_from
        and interactions.timestamp < split_rule.test_from
    else interactions.recency = 2 and users.n_interactions >= 3
  end
order by interactions.user, interactions.item
