-- This macro lists the items to show a user next, the best first. For a user who is not in the
-- dataset it lists the popular items.
--
-- parameters: the_dataset, the_user_id
select listed.position, listed.item_id, listed.score, listed.reason, details.title
from recommendations as listed
left join item_details as details using (dataset, item_id)
where listed.dataset = cast(the_dataset as varchar) and listed.user_id = cast(the_user_id as varchar)
union all
select popular.position, popular.item_id, popular.score, 'popular' as reason, details.title
from popular_items as popular
left join item_details as details using (dataset, item_id)
where
  popular.dataset = cast(the_dataset as varchar)
  and (
    select count(*)
    from recommendations as listed
    where listed.dataset = cast(the_dataset as varchar) and listed.user_id = cast(the_user_id as varchar)
  ) = 0
union all
select null as position, null as item_id, null as score, null as reason, null as title
where not is_dataset(the_dataset)
order by position
