-- This macro says which items of a list, the latest last, speak for an item. Their scores add up to the
-- item's score in recommend_for, and their shares to 1. An item for which none speaks has no rows.
--
-- parameters: the_dataset, the_items, the_item_id
select
  row_number() over (order by spoken.score desc, spoken.item_id) as position,
  spoken.item_id,
  spoken.score,
  spoken.score / sum(spoken.score) over () as share,
  spoken.model,
  details.title
from (
  select asked.item_id, asked.weight * weights.weight as score, asked.model
  from weigh_items(the_dataset, the_items) as asked
  inner join item_weights as weights on weights.item = asked.item
  inner join items as named on named.item = weights.recommended_item
  where
    weights.dataset = cast(the_dataset as varchar)
    and named.dataset = cast(the_dataset as varchar)
    and named.item_id = cast(the_item_id as varchar)
) as spoken
left join item_details as details
  on details.item_id = spoken.item_id and details.dataset = cast(the_dataset as varchar)
union all
select null as position, null as item_id, null as score, null as share, null as model, null as title
where not is_dataset(the_dataset)
order by position
