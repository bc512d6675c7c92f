-- Each list has distinct items, the held-out one alone at position 0, and the length of the others.
--
-- table: test_candidates
-- remedy: materialize negatives and test_candidates together
with lists as (
  select
    user,
    count(*) as candidates,
    count(distinct item) as distinct_items,
    sum(case when position = 0 then 1 else 0 end) as held_out,
    sum(case when position > 0 and rating <> 0 then 1 else 0 end) as rated_negatives
  from test_candidates
  group by user
)

select *
from lists
where
  candidates <> distinct_items
  or held_out <> 1
  or rated_negatives > 0
  or candidates <> (select max(candidates) from lists)
