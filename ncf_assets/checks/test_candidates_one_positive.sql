-- Each test user has a list, and nobody else has one. The items of a list are distinct, only the
-- held-out one is at position 0, and all lists have the same length.
--
-- table: test_candidates
-- remedy: materialize test, negatives and test_candidates together
with lists as (
  select
    user,
    count(*) as candidates,
    count(distinct item) as distinct_items,
    sum(case when position = 0 then 1 else 0 end) as at_position_0,
    max(case when position = 0 then item end) as first_item,
    sum(case when position > 0 and rating <> 0 then 1 else 0 end) as rated_negatives
  from test_candidates
  group by user
)

select user, test.item as held_out_item, lists.* exclude (user)
from test
full join lists using (user)
where
  test.item is null
  or lists.candidates is null
  or lists.at_position_0 <> 1
  or lists.first_item <> test.item
  or lists.candidates <> lists.distinct_items
  or lists.rated_negatives > 0
  or lists.candidates <> (select max(candidates) from lists)
