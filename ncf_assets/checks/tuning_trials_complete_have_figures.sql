-- A complete trial has its figures, within 0 and 1, and no other trial has any.
--
-- table: tuning_trials
-- remedy: remove searches.db next to the table and search again
select trial, state, validation_hr_at_10, validation_ndcg_at_10, epoch
from tuning_trials
where
  (state = 'complete') <> (validation_ndcg_at_10 is not null)
  or (state = 'complete') <> (validation_hr_at_10 is not null)
  or (state = 'complete') <> (epoch is not null)
  or validation_ndcg_at_10 not between 0 and 1
  or validation_hr_at_10 < validation_ndcg_at_10
