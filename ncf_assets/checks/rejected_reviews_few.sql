-- No more than the share warn_rejected_share of all lines is rejected. Each row is a reason.
--
-- table: rejected_reviews
-- severity: warning
-- parameters: warn_rejected_share
-- remedy: look at rejected_reviews: its lines are missing in all that follows
select
  reason,
  count(*) as lines,
  min(line) as first_line,
  left(min_by(text, line), 60) as first_text,
  cast(sum(count(*)) over () as bigint) as rejected_lines,
  rejected_lines + (select count(*) from raw_reviews) as all_lines
from rejected_reviews
group by reason
qualify rejected_lines > $warn_rejected_share * all_lines
order by lines desc, reason
limit 100
