-- Something is held out to test on, of a user with earlier interactions: under leave-one-out, of users
-- with 3 or more.
--
-- table: test
-- remedy: use a larger file, set a later `cut`, or look at rejected_reviews if reviews are missing
select 'test' as empty_table
where
  not exists (
    select 1
    from test
    inner join interactions on test.user = interactions.user and test.item <> interactions.item
    cross join split_rule
    where coalesce(interactions.timestamp < split_rule.test_from, true)
  )
