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
-- column split VARCHAR: split_rule.split
-- column targets VARCHAR: split_rule.targets
-- column validation_from TIMESTAMP null: split_rule.validation_from
-- column test_from TIMESTAMP null: split_rule.test_from
-- column train BIGINT: interactions for training
-- column validation BIGINT: interactions for validation
-- column test BIGINT: interactions for testing
-- column untested BIGINT: interactions that are in none of the three, as a time split tests only some from the cut on
-- column test_users BIGINT: users with a test item
-- column new_test_users BIGINT: test users with no interaction in train or validation, of whom models know nothing
-- column cold_test BIGINT: test items, one for each test row, that nobody has in train or validation
-- column new_items BIGINT: items that nobody has in train or validation
-- column later_known DOUBLE: share of train and validation that is later than a test item, the mean over test rows, 0 to 1: what is learnt from other users' future
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

test_users as (select distinct user from test),

-- of each test user: items at the last time, and days
histories as (
  select
    test_users.user,
    max(lasts.days) as days,
    count(*) as last_items
  from test_users
  inner join lasts on test_users.user = lasts.user
  inner join interactions
    on test_users.user = interactions.user and lasts.last_rank = interactions.rank
  group by test_users.user
),

held_out as (
  select
    count(*) as test_users,
    avg(case when last_items > 1 then 1.0 else 0.0 end) as tied_users,
    avg(case when days = 1 then 1.0 else 0.0 end) as single_day_users
  from histories
),

known as (
  select user, item from train
  union all
  select user, item from validation
),

known_items as (select distinct item from known),

known_users as (select distinct user from known),

unknown as (
  select count(*) as new_test_users
  from test_users
  left join known_users on test_users.user = known_users.user
  where known_users.user is null
),

cold as (
  select
    count(test.item) as test,
    sum(case when known_items.item is null then 1 else 0 end) as cold_test
  from test
  left join known_items on test.item = known_items.item
),

untrained as (
  select count(*) as new_items
  from items
  left join known_items on items.item = known_items.item
  where known_items.item is null
),

-- how many interactions of each kind there are at each time
times as (
  select
    interactions.timestamp,
    count(known.user) as n_known,
    count(test.user) as n_tested
  from interactions
  left join known on interactions.user = known.user and interactions.item = known.item
  left join test on interactions.user = test.user and interactions.item = test.item
  group by interactions.timestamp
),

ahead as (
  select
    n_tested,
    cast(sum(n_known) over (order by timestamp desc) as bigint) - n_known as n_later,
    cast(sum(n_known) over () as bigint) as n_all
  from times
),

leak as (
  select
    cast(sum(n_tested * n_later) as bigint)
    / cast(sum(n_tested) * max(n_all) as bigint) as later_known
  from ahead
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
  split_rule.split,
  split_rule.targets,
  split_rule.validation_from,
  split_rule.test_from,
  training.train,
  validating.validation,
  cold.test,
  pairs.interactions - training.train - validating.validation - cold.test as untested,
  held_out.test_users,
  unknown.new_test_users,
  cold.cold_test,
  untrained.new_items,
  leak.later_known,
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
cross join split_rule
cross join unknown
cross join cold
cross join untrained
cross join leak
order by lines
