-- No more than the share warn_rejected of all lines is rejected. Each row is a reason.
--
-- table: rejected_reviews
-- severity: warning
-- parameters: warn_rejected
-- remedy: look at rejected_reviews: what is missing there is missing in all that follows
with counted as (
  select
    (select count(*) from raw_reviews) as accepted,
    (select count(*) from rejected_reviews) as rejected
)

select
  reason,
  count(*) as lines,
  min(line) as first_line,
  max(rejected) as rejected_lines,
  max(accepted + rejected) as all_lines
from rejected_reviews
cross join counted
where rejected > $warn_rejected * (accepted + rejected)
group by reason
order by lines desc, reason
limit 100
