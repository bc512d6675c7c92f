-- This macro is true of a dataset that there is; any other name is an error, which says the nearest.
--
-- parameters: the_dataset
-- returns: BOOLEAN
case
  when exists (select 1 from popular_items where dataset = cast(the_dataset as varchar)) then true
  else error(concat(
    'there is no dataset ''', the_dataset, ''' here. Ask for ''',
    (
      select dataset
      from popular_items
      order by jaro_winkler_similarity(lower(dataset), lower(cast(the_dataset as varchar))) desc, dataset
      limit 1
    ),
    ''', whose name is nearest, or materialize it.'
  ))
end
