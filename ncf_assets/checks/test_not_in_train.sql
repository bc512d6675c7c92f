-- No held-out test item is among the same user's train items.
--
-- table: test
-- remedy: materialize interactions, train, validation and test together
select test.user, test.item
from test
inner join train on test.user = train.user and test.item = train.item
