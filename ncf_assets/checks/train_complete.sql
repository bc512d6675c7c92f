-- A user's train rows are all interactions but two, or all of them if there are fewer than 3.
--
-- table: train
-- remedy: materialize users, interactions and train together
select users.user, users.n_interactions, count(train.item) as train_rows
from users
left join train on users.user = train.user
group by users.user, users.n_interactions
having
  count(train.item)
  <> case when users.n_interactions >= 3 then users.n_interactions - 2 else users.n_interactions end
