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
with timed as (
  select
    users.user,
    users.user_id,
    users.n_interactions,
    items.item,
    items.item_id,
    reviews.rating,
    reviews.timestamp,
    dense_rank() over (partition by users.user order by reviews.timestamp) as rank,
    rank() over (partition by users.user order by reviews.timestamp) as first_of_time,
    count(*) over (partition by users.user order by reviews.timestamp) as last_of_time
  from latest_reviews as reviews
  inner join users on reviews.user_id = users.user_id
  inner join items on reviews.item_id = items.item_id
),

-- hashes are made and sorted only where they decide
tied as (
  select
    user,
    item,
    row_number() over (
      partition by user, timestamp
      order by md5(concat(cast($seed as varchar), ' ', user_id, ' ', item_id)), item
    ) as nth
  from timed
  where first_of_time < last_of_time
)

select
  timed.user,
  timed.item,
  timed.rank,
  timed.n_interactions - timed.last_of_time + coalesce(tied.nth, 1) as recency,
  timed.rating,
  timed.timestamp
from timed
left join tied on timed.user = tied.user and timed.item = tied.item
order by timed.user, timed.item
