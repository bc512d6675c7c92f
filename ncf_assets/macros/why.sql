-- This macro says which of a user's items speak for an item, by the linear model of item_weights. NeuMF,
-- from whose scores recommendations are made, is not linear, so of those it is an approximation.
--
-- parameters: the_dataset, the_user_id, the_item_id
select
  explained.position,
  explained.item_id,
  explained.score,
  explained.share,
  explained.model,
  explained.title
from why_for(
  the_dataset,
  (
    select list(named.item_id order by listed.recency desc)
    from users
    inner join interactions as listed on listed.user = users.user
    inner join items as named on named.item = listed.item
    where
      users.user_id = cast(the_user_id as varchar)
      and users.dataset = cast(the_dataset as varchar)
      and listed.dataset = cast(the_dataset as varchar)
      and named.dataset = cast(the_dataset as varchar)
  ),
  the_item_id
) as explained
order by explained.position
