-- Each user with 3 or more interactions has one test row, and nobody else has one.
--
-- table: test
-- remedy: materialize users, interactions and test together
select users.user, users.n_interactions, count(test.item) as test_rows
from users
left join test on users.user = test.user
group by users.user, users.n_interactions
having count(test.item) <> case when users.n_interactions >= 3 then 1 else 0 end
