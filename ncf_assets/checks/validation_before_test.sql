-- Under a time split no validation row is at or after the cut, as the models that are tested are fitted
-- to them too.
--
-- table: validation
-- remedy: materialize interactions, split_rule and validation together
select validation.user, validation.item, interactions.timestamp, split_rule.test_from
from validation
inner join interactions on validation.user = interactions.user and validation.item = interactions.item
cross join split_rule
where interactions.timestamp >= split_rule.test_from
