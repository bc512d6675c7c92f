-- Settings and epochs are chosen with models that are fitted to these rows; then models are fitted
-- again, to train and validation together. Under leave-one-out (He et al. 2017, section 4.1) they are
-- all but the last two interactions of each user, and all of a user with fewer than 3. Under a time
-- split they are all interactions before validation begins.
--
-- grain: one pair of user and item
-- key: user, item
--
-- column user INTEGER: users.user
-- column item INTEGER: items.item
-- column rank INTEGER: dense rank by time within the user, from 1
-- column recency INTEGER: 1 for the user's last interaction, 2 for the one before; see interactions
-- column rating DOUBLE: raw_reviews.rating; the model learns that there is an interaction, not its rating
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
    when split_rule.split = 'time_split' then interactions.timestamp < split_rule.validation_from
    else interactions.recency > 2 or users.n_interactions < 3
  end
order by interactions.user, interactions.item
