-- Each test user has a list that the models rank: the held-out items, then the negatives.
--
-- grain: one item of one test user's list
-- key: user, position, item
--
-- column user INTEGER: users.user
-- column position INTEGER: 0 for a held-out item, of which a time split may have several; then as in negatives
-- column item INTEGER: items.item
-- column rating DOUBLE: rating of the held-out item; 0 for negatives
select user, 0 as position, item, rating
from test
union all
select user, position, item, 0.0 as rating
from negatives
order by user, position, item
