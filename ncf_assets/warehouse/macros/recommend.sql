-- What to show a user next, the best first; the popular items for a user who is not in the dataset.
--
-- parameters: dataset, user_id
with asked as (select dataset as wanted, user_id as reader),

known as (
  select listed.position, listed.item_id, listed.score, listed.reason
  from recommendations as listed
  inner join asked on listed.dataset = asked.wanted and listed.user_id = asked.reader
)

select position, item_id, score, reason
from known
union all
select popular.position, popular.item_id, popular.score, 'popular' as reason
from popular_items as popular
inner join asked on popular.dataset = asked.wanted
where not exists (select 1 from known)
order by position
