-- Under a time split no test row is earlier than the cut.
--
-- table: test
-- remedy: materialize interactions, split_rule and test together
select test.user, test.item, interactions.timestamp, split_rule.test_from
from test
inner join interactions on test.user = interactions.user and test.item = interactions.item
cross join split_rule
where interactions.timestamp < split_rule.test_from
