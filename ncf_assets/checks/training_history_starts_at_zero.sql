-- Epochs run from 0 without a gap, and validation metrics lie within 0 and 1.
--
-- table: training_history
-- remedy: materialize gmf_model, mlp_model, neumf_scratch_model and neumf_model again
select model, fit, count(*) as epochs, min(epoch) as first_epoch, max(epoch) as last_epoch
from training_history
group by model, fit
having
  min(epoch) <> 0
  or max(epoch) <> count(*) - 1
  or min(validation_hr_at_10) < 0
  or max(validation_hr_at_10) > 1
  or min(validation_ndcg_at_10) < 0
  or max(validation_ndcg_at_10) > 1
