-- Each test user has a list, and nobody else has one. The items of a list are distinct, those at position
-- 0 are the user's test items, and all lists have equally many others.
--
-- table: test_candidates
-- remedy: materialize test, negatives and test_candidates together
with held_out as (
  select
    coalesce(test.user, listed.user) as user,
    count(*) as pairs,
    count(test.item) as test_items,
    count(listed.item) as listed_items
  from test
  full join (select user, item from test_candidates where position = 0) as listed
    on test.user = listed.user and test.item = listed.item
  group by coalesce(test.user, listed.user)
),

lists as (
  select
    user,
    count(*) as candidates,
    count(distinct item) as distinct_items,
    sum(case when position > 0 then 1 else 0 end) as negatives,
    sum(case when position > 0 and rating <> 0 then 1 else 0 end) as rated_negatives
  from test_candidates
  group by user
)

select user, held_out.* exclude (user), lists.* exclude (user)
from held_out
full join lists using (user)
where
  held_out.pairs is null
  or lists.candidates is null
  or held_out.pairs <> held_out.test_items
  or held_out.pairs <> held_out.listed_items
  or lists.candidates <> lists.distinct_items
  or lists.rated_negatives > 0
  or lists.negatives <> (select max(negatives) from lists)
