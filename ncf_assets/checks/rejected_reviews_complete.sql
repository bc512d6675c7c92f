-- Every line of the source file is either accepted or rejected, and none is both.
--
-- table: rejected_reviews
-- remedy: report the numbers named: the reader lost or repeated a line
with lines as (
  select line from raw_reviews
  union all
  select line from rejected_reviews
)

select count(*) as lines_kept, count(distinct line) as lines_distinct, max(line) as lines_in_file
from lines
having count(*) <> coalesce(max(line), 0) or count(distinct line) <> count(*)
