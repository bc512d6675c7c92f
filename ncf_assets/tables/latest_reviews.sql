-- Each pair of user and item has one review: of several the latest stays, and of several at the same
-- time the one with the highest rating. Days and ratings that the configuration leaves out are not
-- here, nor are users and items with fewer pairs than it asks for.
--
-- grain: one pair of user and item
-- key: user_id, item_id
-- parameters: first_day, last_day, min_rating
--
-- column user_id VARCHAR: raw_reviews.user_id
-- column item_id VARCHAR: raw_reviews.item_id
-- column rating DOUBLE: raw_reviews.rating
-- column timestamp TIMESTAMP: raw_reviews.timestamp
with reviews as (
  select
    user_id,
    item_id,
    rating,
    timestamp,
    row_number() over (partition by user_id, item_id order by timestamp desc, rating desc) as nth
  from raw_reviews
  where cast(timestamp as date) between cast($first_day as date) and cast($last_day as date)
)

select
  user_id,
  item_id,
  rating,
  timestamp
from reviews
where nth = 1 and rating >= $min_rating
order by user_id, item_id
