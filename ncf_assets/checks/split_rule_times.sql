-- A time split has both times, validation begins before the cut, and leave-one-out has none.
--
-- table: split_rule
-- remedy: report the row: ncf_assets/ncf/evaluation/time_split.py is wrong
select split, targets, validation_from, test_from
from split_rule
where
  (split = 'time_split') <> (test_from is not null)
  or (split = 'time_split') <> (validation_from is not null)
  or validation_from >= test_from
