-- This view lists what exists: each table, model and report of each dataset, with its meaning, rows
-- and freshness. Like lineage, it is read from the files' own provenance.
-- grain: one table, model or report of one dataset
-- key: name, dataset
-- column name VARCHAR: the table, model or report
-- column kind VARCHAR: 'table', 'model' or 'report'
-- column dataset VARCHAR: the dataset, as in datasets.toml
-- column rows BIGINT null: rows of a table, parameters of a model
-- column written_at TIMESTAMP null: when it was made, in UTC
-- column fresh BOOLEAN: whether nothing that it was made from has been replaced; `ncf-assets status` also looks at code and source files
-- column replaced VARCHAR null: what it was made from and has been replaced since
-- column meaning VARCHAR: what its rows are
-- column file VARCHAR null: the path of its file

with
meanings(name, meaning) as (values {meanings}),
made as (
    select
        asset as name,
        dataset,
        max(rows) filter (origin = asset) as rows,
        max(written_at) filter (origin = asset) as written_at,
        bool_and(in_place) as fresh,
        string_agg(origin, ', ' order by origin) filter (not in_place) as replaced,
        max(file) filter (origin = asset) as file
    from lineage
    group by all
)
select
    made.name,
    case
        when meaning is not null then 'table'
        when ends_with(made.name, '_model') then 'model'
        else 'report'
    end as kind,
    made.dataset,
    case when kind <> 'report' then made.rows end as rows,
    made.written_at,
    made.fresh,
    made.replaced,
    case kind
        when 'table' then meaning
        when 'model' then 'A fitted or trained model; file is its record, which names the rest.'
        else 'The report of a dataset, to read as report.html or report.md next to this file.'
    end as meaning,
    made.file
from made
left join meanings on meanings.name = made.name
{spanning}
order by dataset, name
