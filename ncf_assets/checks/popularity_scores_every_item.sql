-- Popularity scores every item once.
--
-- table: popularity_scores
-- remedy: materialize items, train and popularity_scores together
select items.item, count(popularity_scores.item) as scores
from items
left join popularity_scores on items.item = popularity_scores.item and popularity_scores.model = 'popularity'
group by items.item
having count(popularity_scores.item) <> 1
