-- Each test user has a list that the models rank: the held-out item, then its negatives.
--
-- grain: one item of one test user's list
-- key: user, position
--
-- column user INTEGER: users.user
-- column position INTEGER: 0 for the held-out item, then as in negatives
-- column item INTEGER: items.item
-- column rating DOUBLE: rating of the held-out item; 0 for negatives
select user, 0 as position, item, rating
from test
union all
select user, position, item, 0.0 as rating
from negatives
order by user, position
