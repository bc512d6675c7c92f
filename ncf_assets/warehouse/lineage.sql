-- What everything was made from: of each table, model and report all that it comes from, itself
-- included, back to the source file. It is read from the files' own stamps. What has been replaced
-- since is known by its content alone.
-- grain: one asset and one origin of it in one version
-- key: dataset, asset, origin, content
-- column dataset VARCHAR: the dataset, as in datasets.toml
-- column asset VARCHAR: the table, model or report that is asked about
-- column origin VARCHAR: what it comes from: an asset, the asset itself, or `source`
-- column content VARCHAR: hash of the origin's rows, weights or text; of a source file the SHA-256
-- column in_place BOOLEAN: whether that is what is there now
-- column seed BIGINT null: of its random numbers, if it has any
-- column config JSON null: the run configuration that made it
-- column code VARCHAR null: version of the code that made it
-- column run_id VARCHAR null: the Dagster run that made it
-- column written_at TIMESTAMP null: when, in UTC; of a source file, when it was last changed
-- column rows BIGINT null: rows of a table, parameters of a model
-- column file VARCHAR null: where it is

with recursive
stamps(file, stamp) as ({stamps}),
made as (
    select
        regexp_extract(file, '.*dataset=([^/\\]+)[/\\]', 1) as dataset,
        case regexp_extract(file, '([^/\\]+)[/\\]dataset=[^/\\]+[/\\][^/\\]+$', 1)
            when 'reports' then 'evaluation_report'
            else regexp_extract(file, '([^/\\]+)[/\\]dataset=[^/\\]+[/\\][^/\\]+$', 1)
        end as asset,
        stamp ->> 'content' as content,
        stamp -> 'config' as config,
        stamp ->> 'code' as code,
        stamp ->> 'run_id' as run_id,
        cast(stamp ->> 'written_at' as timestamp) as written_at,
        cast(stamp ->> 'rows' as bigint) as rows,
        file,
        stamp -> 'inputs' as inputs,
        stamp -> 'source' as source
    from stamps
    where stamp is not null
),
links as (
    select dataset, asset, content, input, json_extract_string(inputs, input) as input_content
    from (select *, unnest(json_keys(inputs)) as input from made)
),
origins as (
    select dataset, asset, asset as origin, content from made
    union
    select origins.dataset, origins.asset, links.input, links.input_content
    from origins
    join links
        on links.dataset = origins.dataset
        and links.asset = origins.origin
        and links.content = origins.content
),
there as (
    select dataset, asset, content, config, code, run_id, written_at, rows, file from made
    union all
    select
        dataset, 'source', inputs ->> 'source', null, null, null,
        make_timestamp(cast(source ->> 'mtime_ns' as bigint) // 1000), null, source ->> 'path'
    from made
    where asset = 'raw_reviews'
)
select
    origins.dataset,
    origins.asset,
    origins.origin,
    origins.content,
    there.content is not null as in_place,
    cast(there.config ->> 'seed' as bigint) as seed,
    there.config,
    there.code,
    there.run_id,
    there.written_at,
    there.rows,
    there.file
from origins
left join there
    on there.dataset = origins.dataset
    and there.asset = origins.origin
    and there.content = origins.content
