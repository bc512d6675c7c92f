-- Every item with at least one review that counts has a dense number: this is the id map for
-- embeddings.
--
-- grain: one item
-- key: item
--
-- column item INTEGER: dense id from 0, in the order of item_id, so that file order does not matter
-- column item_id VARCHAR: the id in the source file
-- column n_interactions INTEGER: distinct users who have reviewed the item
select
  row_number() over (order by item_id) - 1 as item,
  item_id,
  count(*) as n_interactions
from latest_reviews
group by item_id
order by item
