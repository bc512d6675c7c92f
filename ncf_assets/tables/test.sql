-- Models are tested on these rows, and nothing is ever chosen on them. Under leave-one-out they are the
-- last interaction of each user with 3 or more. Under a time split they are the interactions from the
-- cut on: of each user the first, the last or all, as split_rule.targets says.
--
-- grain: one held-out pair of user and item
-- key: user, item
--
-- column user INTEGER: users.user
-- column item INTEGER: items.item, the held-out item
-- column rank INTEGER: dense rank by time within the user, from 1
-- column recency INTEGER: 1 for the user's last interaction, 2 for the one before; see interactions
-- column rating DOUBLE: raw_reviews.rating
with late as (
  select
    interactions.user,
    max(interactions.recency) as first_recency
  from interactions
  cross join split_rule
  where interactions.timestamp >= split_rule.test_from
  group by interactions.user
)

select
  interactions.user,
  interactions.item,
  interactions.rank,
  interactions.recency,
  interactions.rating
from interactions
inner join users on interactions.user = users.user
cross join split_rule
left join late on interactions.user = late.user
where
  case
    when split_rule.split = 'time_split'
      then
        interactions.timestamp >= split_rule.test_from
        and case split_rule.targets
          when 'first' then interactions.recency = late.first_recency
          when 'last' then interactions.recency = 1
          else true
        end
    else interactions.recency = 1 and users.n_interactions >= 3
  end
order by interactions.user, interactions.item
