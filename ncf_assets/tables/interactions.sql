-- Each pair of user and item has one interaction: of several reviews the latest stays, and of
-- several at the same time the one with the highest rating.
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
-- column rating DOUBLE: raw_reviews.rating
-- column timestamp TIMESTAMP: time of the interaction in UTC, as exact as in the file
with reviews as (
  select
    user_id,
    item_id,
    rating,
    timestamp,
    row_number() over (partition by user_id, item_id order by timestamp desc, rating desc) as nth
  from raw_reviews
)

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
from reviews
inner join users on reviews.user_id = users.user_id
inner join items on reviews.item_id = items.item_id
where reviews.nth = 1
order by users.user, items.item
