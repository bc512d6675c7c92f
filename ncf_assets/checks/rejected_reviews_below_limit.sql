-- No more than the share max_rejected of all lines is rejected. Each row is a reason.
--
-- table: rejected_reviews
-- parameters: max_rejected
-- remedy: correct format, columns or path of the dataset in datasets.toml, or mend the file; to go on without these lines raise max_rejected of `reviews`
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
where rejected > $max_rejected * (accepted + rejected)
group by reason
order by lines desc, reason
limit 100
