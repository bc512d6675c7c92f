-- Under a time split no train row is as late as the first of validation, nor at or after the cut: nobody
-- learns from what happened later than what is predicted.
--
-- table: train
-- remedy: materialize interactions, split_rule and train together
select train.user, train.item, interactions.timestamp, split_rule.validation_from, split_rule.test_from
from train
inner join interactions on train.user = interactions.user and train.item = interactions.item
cross join split_rule
where
  interactions.timestamp >= split_rule.validation_from
  or interactions.timestamp >= split_rule.test_from
