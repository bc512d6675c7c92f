-- Ids run from 0 to the number of users less one, and each user_id has one.
--
-- table: users
-- remedy: materialize users again from raw_reviews
select user, user_id
from users
where user < 0 or user >= (select count(*) from users)
union all
select min(user) as user, user_id
from users
group by user_id
having count(*) > 1
