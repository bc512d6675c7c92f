-- Nobody has the same item held out for test and for validation.
--
-- table: test
-- remedy: materialize interactions, train, validation and test together
select test.user, test.item
from test
inner join validation on test.user = validation.user and test.item = validation.item
