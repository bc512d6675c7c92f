-- No negative is an item that the user has rated, in any split.
--
-- table: negatives
-- remedy: materialize negatives again: interactions have changed since they were drawn
select negatives.user, negatives.item
from negatives
inner join interactions
  on negatives.user = interactions.user and negatives.item = interactions.item
