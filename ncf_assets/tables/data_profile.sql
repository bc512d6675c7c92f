-- One row shows what the data looks like: what was read, what was left of it, and how users and
-- items are connected.
--
-- grain: the dataset
-- key: lines
--
-- column lines BIGINT: lines of the source file
-- column rejected BIGINT: lines that are not a review, see rejected_reviews
-- column duplicates BIGINT: reviews that a later one of the same user and item replaces
-- column lowest_rating DOUBLE: of all reviews; with the next two, the scale of the source
-- column highest_rating DOUBLE: of all reviews
-- column distinct_ratings BIGINT: different ratings, of all reviews
-- column filtered BIGINT: pairs of user and item that filters take away, see filters
-- column filtered_users BIGINT: users of whom the filters leave nothing
-- column filtered_items BIGINT: items of which the filters leave nothing
-- column users BIGINT: users with an interaction
-- column items BIGINT: items with an interaction
-- column interactions BIGINT: pairs of user and item
-- column density DOUBLE: interactions / (users * items), 0 to 1
-- column interactions_per_user DOUBLE: median
-- column interactions_per_item DOUBLE: median
-- column train BIGINT: interactions for training
-- column validation BIGINT: users with a validation item
-- column test BIGINT: users with a test item
-- column cold_test BIGINT: test users whose test item nobody has in train or validation
-- column tied_users DOUBLE: share of test users with several items at their last time, of which a hash chose one, 0 to 1
-- column single_day_users DOUBLE: share of test users whose interactions are all on one day (UTC), 0 to 1
-- column first_time TIMESTAMP: earliest interaction, in UTC
-- column last_time TIMESTAMP: latest interaction, in UTC
with lasts as (
  select
    user,
    max(rank) as last_rank,
    count(distinct cast(timestamp as date)) as days
  from interactions
  group by user
),

-- of each test user: items at the last time, and days
histories as (
  select
    test.user,
    max(lasts.days) as days,
    count(*) as last_items
  from test
  inner join lasts on test.user = lasts.user
  inner join interactions on test.user = interactions.user and lasts.last_rank = interactions.rank
  group by test.user
),

held_out as (
  select
    count(*) as test,
    avg(case when last_items > 1 then 1.0 else 0.0 end) as tied_users,
    avg(case when days = 1 then 1.0 else 0.0 end) as single_day_users
  from histories
),

known as (
  select item from train
  union
  select item from validation
),

cold as (
  select count(*) as cold_test
  from test
  left join known on test.item = known.item
  where known.item is null
),

reviews as (
  select
    count(*) as accepted,
    min(rating) as lowest_rating,
    max(rating) as highest_rating,
    count(distinct rating) as distinct_ratings
  from raw_reviews
),

rejections as (select count(*) as rejected from rejected_reviews),

filtering as (
  select
    cast(coalesce(sum(pairs), 0) as bigint) as filtered,
    cast(coalesce(sum(users), 0) as bigint) as filtered_users,
    cast(coalesce(sum(items), 0) as bigint) as filtered_items
  from filters
),

people as (select count(*) as users, median(n_interactions) as interactions_per_user from users),

things as (select count(*) as items, median(n_interactions) as interactions_per_item from items),

pairs as (
  select
    count(*) as interactions,
    min(timestamp) as first_time,
    max(timestamp) as last_time
  from interactions
),

training as (select count(*) as train from train),

validating as (select count(*) as validation from validation)

select
  reviews.accepted + rejections.rejected as lines,
  rejections.rejected,
  reviews.accepted - filtering.filtered - pairs.interactions as duplicates,
  reviews.lowest_rating,
  reviews.highest_rating,
  reviews.distinct_ratings,
  filtering.filtered,
  filtering.filtered_users,
  filtering.filtered_items,
  people.users,
  things.items,
  pairs.interactions,
  pairs.interactions / (people.users * things.items) as density,
  people.interactions_per_user,
  things.interactions_per_item,
  training.train,
  validating.validation,
  held_out.test,
  cold.cold_test,
  held_out.tied_users,
  held_out.single_day_users,
  pairs.first_time,
  pairs.last_time
from reviews
cross join rejections
cross join filtering
cross join people
cross join things
cross join pairs
cross join training
cross join validating
cross join held_out
cross join cold
order by lines
