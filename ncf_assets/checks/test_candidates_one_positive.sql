-- Each list has distinct items, and the held-out one alone stands at position 0.
--
-- table: test_candidates
-- remedy: materialize negatives and test_candidates together
select
  user,
  count(*) as candidates,
  count(distinct item) as distinct_items,
  sum(case when position = 0 then 1 else 0 end) as held_out
from test_candidates
group by user
having
  count(*) <> count(distinct item)
  or sum(case when position = 0 then 1 else 0 end) <> 1
  or sum(case when position > 0 and rating <> 0 then 1 else 0 end) > 0
