-- At least one user has 3 or more interactions, so that there is something to test on.
--
-- table: test
-- remedy: use a larger file, or look at rejected_reviews if reviews are missing
select 'test' as empty_table
where not exists (select 1 from test)
