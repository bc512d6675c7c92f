-- A complete trial has its figures, within 0 and 1, and no other trial has any. Only networks have an
-- epoch and a hit ratio.
--
-- table: tuning_trials
-- remedy: remove searches.db next to the table and search again
select model, trial, state, validation_hr_at_10, validation_ndcg_at_10, epoch
from tuning_trials
where
  (state = 'complete') <> (validation_ndcg_at_10 is not null)
  or (state <> 'complete' and validation_hr_at_10 is not null)
  or (epoch is null) <> (validation_hr_at_10 is null)
  or validation_ndcg_at_10 not between 0 and 1
  or validation_hr_at_10 < validation_ndcg_at_10
