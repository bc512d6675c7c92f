-- Something is held out to choose by: under leave-one-out, of users with 3 or more interactions.
--
-- table: validation
-- remedy: use a larger file, or look at rejected_reviews if reviews are missing
select 'validation' as empty_table
where not exists (select 1 from validation)
