-- This view lists what everything was made from: each table, model and report has a row for every
-- asset that it comes from, itself included, back to the source file. It is read from the files'
-- own provenance. Of what has been replaced since, only the content hash is known.
-- grain: one asset and one origin of it in one version
-- key: dataset, asset, origin, content_hash
-- column dataset VARCHAR: the dataset, as in datasets.toml
-- column asset VARCHAR: the table, model or report that is asked about
-- column origin VARCHAR: what it comes from: an asset, the asset itself, or `source`
-- column content_hash VARCHAR: hash of the origin's rows, weights or text; of a source file the SHA-256
-- column in_place BOOLEAN: whether the origin still has this content
-- column seed BIGINT null: seed of its random numbers, if it has any
-- column config JSON null: the run configuration that made it
-- column code_version VARCHAR null: version of the code that made it
-- column run_id VARCHAR null: the Dagster run that made it
-- column written_at TIMESTAMP null: when it was made, in UTC; of a source file, when it was last changed
-- column rows BIGINT null: rows of a table, parameters of a model
-- column file VARCHAR null: the path of its file

with recursive
provenances(file, provenance) as ({provenances}),
made as (
    select
        regexp_extract(file, '.*dataset=([^/\\]+)[/\\]', 1) as dataset,
        case regexp_extract(file, '([^/\\]+)[/\\]dataset=[^/\\]+[/\\][^/\\]+$', 1)
            when 'reports' then 'evaluation_report'
            else regexp_extract(file, '([^/\\]+)[/\\]dataset=[^/\\]+[/\\][^/\\]+$', 1)
        end as asset,
        provenance ->> 'content_hash' as content_hash,
        provenance -> 'config' as config,
        provenance ->> 'code_version' as code_version,
        provenance ->> 'run_id' as run_id,
        cast(provenance ->> 'written_at' as timestamp) as written_at,
        cast(provenance ->> 'rows' as bigint) as rows,
        file,
        provenance -> 'input_hashes' as inputs,
        provenance -> 'source' as source
    from provenances
    where provenance is not null
),
links as (
    select dataset, asset, content_hash, input, json_extract_string(inputs, input) as input_hash
    from (select *, unnest(json_keys(inputs)) as input from made)
),
origins as (
    select dataset, asset, asset as origin, content_hash from made
    union
    select origins.dataset, origins.asset, links.input, links.input_hash
    from origins
    join links
        on links.dataset = origins.dataset
        and links.asset = origins.origin
        and links.content_hash = origins.content_hash
),
there as (
    select dataset, asset, content_hash, config, code_version, run_id, written_at, rows, file from made
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
    origins.content_hash,
    there.content_hash is not null as in_place,
    cast(there.config ->> 'seed' as bigint) as seed,
    there.config,
    there.code_version,
    there.run_id,
    there.written_at,
    there.rows,
    there.file
from origins
left join there
    on there.dataset = origins.dataset
    and there.asset = origins.origin
    and there.content_hash = origins.content_hash
