-- Ratings are finite numbers and ids are not empty.
--
-- table: raw_reviews
-- remedy: report the lines named: the reader should have rejected them
select *
from raw_reviews
where not isfinite(rating) or user_id = '' or item_id = ''
