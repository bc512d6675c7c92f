-- What there is: each table, model and report of each dataset, with its meaning, rows and freshness.
-- Like lineage it is read from the files' own stamps.
-- grain: one table, model or report of one dataset
-- key: name, dataset
-- column name VARCHAR: the table, model or report
-- column kind VARCHAR: 'table', 'model' or 'report'
-- column dataset VARCHAR: the dataset, as in datasets.toml
-- column rows BIGINT null: rows of a table, parameters of a model
-- column written_at TIMESTAMP null: when it was made, in UTC
-- column fresh BOOLEAN: whether all that it comes from is still in place; `ncf-assets status` also looks at code and source files
-- column replaced VARCHAR null: what it comes from that has been replaced since
-- column meaning VARCHAR: what its rows are
-- column file VARCHAR null: where it is

with
meanings(name, meaning) as (values {meanings}),
stamped as (
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
    stamped.name,
    case
        when meaning is not null then 'table'
        when ends_with(stamped.name, '_model') then 'model'
        else 'report'
    end as kind,
    stamped.dataset,
    case when kind <> 'report' then stamped.rows end as rows,
    stamped.written_at,
    stamped.fresh,
    stamped.replaced,
    case kind
        when 'table' then meaning
        when 'model' then 'A fitted or trained model; file is its record, which names the rest.'
        else 'What came out, to be read: report.html and report.md beside this file.'
    end as meaning,
    stamped.file
from stamped
left join meanings on meanings.name = stamped.name
{spanning}
order by dataset, name
