-- No more than the share max_rejected_share of all lines is rejected. Each row is a reason; those
-- that differ in numbers alone, such as times out of range, are one.
--
-- table: rejected_reviews
-- parameters: max_rejected_share
-- remedy: correct the dataset's block in datasets.toml, or fix the file; where these lines are really worth nothing, raise max_rejected_share of `reviews`
select
  min_by(reason, line) as reason,
  count(*) as lines,
  min(line) as first_line,
  left(min_by(text, line), 60) as first_text,
  cast(sum(count(*)) over () as bigint) as rejected_lines,
  rejected_lines + (select count(*) from raw_reviews) as all_lines
from rejected_reviews
group by regexp_replace(reason, '[0-9]+', '#', 'g')
qualify rejected_lines > $max_rejected_share * all_lines
order by lines desc, reason
limit 100
