-- At least one line of the source file was accepted.
--
-- table: raw_reviews
-- remedy: look at rejected_reviews.reason: most often the dataset's format in datasets.toml is wrong
select 'raw_reviews' as empty_table
where not exists (select 1 from raw_reviews)
