-- No held-out validation item is among the same user's train items.
--
-- table: validation
-- remedy: materialize interactions, train, validation and test together
select validation.user, validation.item
from validation
inner join train on validation.user = train.user and validation.item = train.item
