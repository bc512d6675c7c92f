-- Leave-one-out (He et al. 2017, section 4.1) chooses settings and epochs with all but the last two
-- interactions of each user. Models are then fitted again, to train and validation together. Of a
-- user with fewer than 3 interactions nothing is held out, and all of them are here.
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
where interactions.recency > 2 or users.n_interactions < 3
order by interactions.user, interactions.item
