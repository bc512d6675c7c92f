-- This macro lists the items to show next to somebody of whom a list of items is known, such as a
-- basket, the latest last. The score of an item is the sum of the weights of the list's items for it.
-- Without an item that speaks for any, it lists the popular items. Ids that are unknown come last,
-- without a position.
--
-- parameters: the_dataset, the_items
select ranked.position, ranked.item_id, ranked.score, ranked.reason, details.title
from (
  select
    row_number() over (order by found.score desc, found.item_id) as position,
    found.item_id,
    found.score,
    found.reason
  from (
    select
      possible.item_id,
      possible.score,
      possible.reason,
      possible.is_popular = min(possible.is_popular) over () as is_best
    from (
      select named.item_id, sums.score, sums.reason, 0 as is_popular
      from (
        select
          weights.recommended_item,
          sum(asked.weight * weights.weight) as score,
          any_value(asked.model) as reason
        from weigh_items(the_dataset, the_items) as asked
        inner join item_weights as weights on weights.item = asked.item
        where weights.dataset = cast(the_dataset as varchar)
        group by weights.recommended_item
      ) as sums
      inner join items as named on named.item = sums.recommended_item
      where named.dataset = cast(the_dataset as varchar)
      union all
      select popular.item_id, popular.score, 'popular' as reason, 1 as is_popular
      from popular_items as popular
      where popular.dataset = cast(the_dataset as varchar)
    ) as possible
    where not list_contains(cast(the_items as varchar []), possible.item_id)
  ) as found
  where found.is_best
) as ranked
left join item_details as details
  on details.item_id = ranked.item_id and details.dataset = cast(the_dataset as varchar)
where ranked.position <= 20
union all
select null as position, unknown.item_id, null as score, 'unknown item' as reason, null as title
from (select distinct unnest(cast(the_items as varchar [])) as item_id) as unknown
left join (
  select known.item_id from items as known where known.dataset = cast(the_dataset as varchar)
) as known on known.item_id = unknown.item_id
where unknown.item_id is not null and known.item_id is null
union all
select null as position, null as item_id, null as score, null as reason, null as title
where not is_dataset(the_dataset)
order by position nulls last, item_id
