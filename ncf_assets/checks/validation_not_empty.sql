-- At least one user has 3 or more interactions, so that there is something to choose by.
--
-- table: validation
-- remedy: use a larger file, or look at rejected_reviews if reviews are missing
select 'validation' as empty_table
where not exists (select 1 from validation)
