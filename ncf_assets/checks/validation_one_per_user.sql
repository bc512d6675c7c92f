-- Each user with 3 or more interactions has one validation row, and nobody else has one.
--
-- table: validation
-- remedy: materialize users, interactions and validation together
select users.user, users.n_interactions, count(validation.item) as validation_rows
from users
left join validation on users.user = validation.user
group by users.user, users.n_interactions
having count(validation.item) <> case when users.n_interactions >= 3 then 1 else 0 end
