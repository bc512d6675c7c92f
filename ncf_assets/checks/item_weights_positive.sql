-- Weights are above 0, no item speaks for itself, and all weights are of one model.
--
-- table: item_weights
-- remedy: report the row: ncf_assets/ncf/recommend/item_weights.py is wrong
select item, position, recommended_item, weight, model, half_life
from item_weights
where
  not weight > 0
  or item = recommended_item
  or model <> (select min(model) from item_weights)
  or half_life <> (select min(half_life) from item_weights)
