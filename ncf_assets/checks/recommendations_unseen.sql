-- Nobody is shown an item that they have rated, in any split.
--
-- table: recommendations
-- remedy: materialize interactions, the models and recommendations together
select recommendations.user_id, recommendations.item_id
from recommendations
inner join users on recommendations.user_id = users.user_id
inner join items on recommendations.item_id = items.item_id
inner join interactions on users.user = interactions.user and items.item = interactions.item
