-- This macro gives the items of a list, the latest last, the weights by which they count, which fall
-- with age as the model's half-life says, and add up to the number of items. Unknown items do not
-- count, and of an item that comes again the last.
--
-- parameters: the_dataset, the_items
select
  aged.item,
  aged.item_id,
  aged.weight * count(*) over () / sum(aged.weight) over () as weight,
  aged.model
from (
  select
    known.item,
    known.item_id,
    fitted.model,
    case
      when fitted.half_life > 0
        then pow(0.5, (row_number() over (order by listed.place desc) - 1) / fitted.half_life)
      else 1
    end as weight
  from (
    select named.item_id, max(named.place) as place
    from (
      select unnest(asked.ids) as item_id, unnest(range(len(asked.ids))) as place
      from (select cast(the_items as varchar []) as ids) as asked
    ) as named
    group by named.item_id
  ) as listed
  inner join items as known on known.item_id = listed.item_id
  cross join (
    select model, half_life from item_weights where dataset = cast(the_dataset as varchar) limit 1
  ) as fitted
  where known.dataset = cast(the_dataset as varchar)
) as aged
