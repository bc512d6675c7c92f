-- Each pair of user and item has one interaction, which is the review in latest_reviews. What the
-- filters leave out is not here.
--
-- Amazon's times up to 2018 are whole days, so many users have several items on their last day.
-- `recency` breaks such ties by a hash of (seed, user, item), as item id or file order would leak
-- popularity into the split.
--
-- grain: one pair of user and item
-- key: user, item
-- parameters: seed
--
-- column user INTEGER: users.user
-- column item INTEGER: items.item
-- column rank INTEGER: dense rank by time within the user, from 1; equal times have equal ranks
-- column recency INTEGER: 1 for the user's last interaction, 2 for the one before; a hash breaks ties in time
-- column rating DOUBLE: latest_reviews.rating
-- column timestamp TIMESTAMP: time of the interaction in UTC, as exact as in the file
select
  users.user,
  items.item,
  dense_rank() over (partition by users.user order by reviews.timestamp) as rank,
  row_number() over (
    partition by users.user
    order by
      reviews.timestamp desc,
      md5(concat(cast($seed as varchar), ' ', reviews.user_id, ' ', reviews.item_id)),
      reviews.item_id
  ) as recency,
  reviews.rating,
  reviews.timestamp
from latest_reviews as reviews
inner join users on reviews.user_id = users.user_id
inner join items on reviews.item_id = items.item_id
order by users.user, items.item
