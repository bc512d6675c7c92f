-- Ratings lie within 1 to 5 and ids are not empty.
--
-- table: raw_reviews
-- remedy: report the lines named: the reader should have rejected them
select *
from raw_reviews
where not rating between 1 and 5 or user_id = '' or item_id = ''
