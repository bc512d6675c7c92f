"""How a table becomes an asset: `sql_asset` from its select, `table_asset` from a function.

`tables_asset` is for a function that makes several tables at once.
"""

import contextlib
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa

from ncf_assets.assets.code import code_version
from ncf_assets.assets.failing import told
from ncf_assets.assets.inputs import Inputs
from ncf_assets.assets.partition import Run, check_specs, settings_of
from ncf_assets.assets.table_spec import table_spec
from ncf_assets.checks import checks
from ncf_assets.tables import tables
from ncf_assets.warehouse import Warehouse


class NoConfig(dg.Config):
    """For tables that nothing but their inputs decides."""


# of a run's inputs and of the rows made, what else the UI shows
Facts = Callable[[Inputs, int], dict[str, Any]]
Rows = pd.DataFrame | Iterable[pa.RecordBatch]
Compute = Callable[[Inputs, Any], Rows]


def table_asset(
    group: str,
    reads: Iterable[str],
    *,
    config: type[dg.Config] = NoConfig,
    modules: Iterable[str] = (),
) -> Callable[[Compute], dg.AssetsDefinition]:
    """Make an asset of a function `(inputs, config) -> rows`, named like its table.

    `modules` are the science modules that it calls; with all that they import of the science they
    are part of the asset's code version.
    """

    def wrap(compute: Compute) -> dg.AssetsDefinition:
        table = tables()[compute.__name__]
        version = code_version(compute.__module__, *modules, str(table.schema))

        def rows_by_table(inputs: Inputs, config: Any) -> dict[str, Rows]:
            return {table.name: compute(inputs, config)}

        specs = _specs({table.name: group}, reads, version, "python")
        return _asset(table.name, specs, config, rows_by_table)

    return wrap


def tables_asset(
    groups: Mapping[str, str],
    reads: Iterable[str],
    *,
    config: type[dg.Config] = NoConfig,
    modules: Iterable[str] = (),
) -> Callable[[Callable[[Inputs, Any], Mapping[str, Rows]]], dg.AssetsDefinition]:
    """Make the assets of a function `(inputs, config) -> rows by table`; `groups` are theirs.

    They are always made together. In run configuration they have the function's name.
    """

    def wrap(compute: Callable[[Inputs, Any], Mapping[str, Rows]]) -> dg.AssetsDefinition:
        if unknown := [name for name in groups if name not in tables()]:
            raise ValueError(
                f"{compute.__name__} makes {', '.join(unknown)}, which tables/ does not document;"
                f" write tables/{unknown[0]}.sql or correct the name"
            )
        schemas = [str(tables()[name].schema) for name in groups]
        version = code_version(compute.__module__, *modules, *schemas)
        return _asset(compute.__name__, _specs(groups, reads, version, "python"), config, compute)

    return wrap


def sql_asset(
    name: str,
    group: str,
    config: type[dg.Config] = NoConfig,
    facts: Facts | None = None,
    users_of: str | None = None,
) -> dg.AssetsDefinition:
    """Make an asset of a table's select; what it reads follows from the text.

    `facts` gives more metadata for the UI. A select with too many rows to sort at once is run for
    some users of the table `users_of` at a time.
    """
    table = tables()[name]
    select = str(table.select)

    def rows_by_table(inputs: Inputs, config: Any) -> dict[str, Rows]:
        parameters = {name: getattr(config, name) for name in table.parameters}
        if users_of:
            return {name: inputs.query_by_user(table, parameters, users_of)}
        return {name: inputs.query(select, parameters)}

    version = code_version(select, str(table.schema))
    specs = _specs({name: group}, table.upstream, version, "sql")
    return _asset(name, specs, config, rows_by_table, facts)


def _specs(
    groups: Mapping[str, str], reads: Iterable[str], version: str, kind: str
) -> list[dg.AssetSpec]:
    """The specs of tables that are made together."""
    # a check may look at more tables than the table is made from, and needs them in place
    checked = {other for name in groups for check in checks()[name] for other in check.reads}
    upstream = {*reads, *checked} - set(groups)
    return [
        table_spec(tables()[name], group, upstream, version, kind) for name, group in groups.items()
    ]


def _asset(
    name: str,
    specs: list[dg.AssetSpec],
    config_type: type[dg.Config],
    compute: Callable[[Inputs, Any], Mapping[str, Rows]],
    facts: Facts | None = None,
) -> dg.AssetsDefinition:
    """Read, call, write: the body that all table assets share."""
    made = tuple(spec.key.to_user_string() for spec in specs)
    upstream = [dependency.asset_key.to_user_string() for dependency in specs[0].deps]

    @dg.multi_asset(
        name=name,
        specs=specs,
        check_specs=[spec for table in made for spec in check_specs(tables()[table])],
    )
    def body(
        context: dg.AssetExecutionContext,
        config: config_type,  # type: ignore[valid-type]
        warehouse: dg.ResourceParam[Warehouse],
    ) -> Iterator[Any]:
        with told(context, warehouse, made), contextlib.ExitStack() as open_drafts:
            inputs = Inputs.of_one_lineage(warehouse, context.partition_key, upstream)
            run = Run(context, warehouse, inputs, settings_of(config))
            drafts = {
                table: open_drafts.enter_context(warehouse.draft(table, run.dataset))
                for table in made
            }
            for table, rows in _complete(name, made, compute(inputs, config)).items():
                with contextlib.closing(_batches(rows)) as batches:
                    drafts[table].write(batches)
            stamps = {
                draft: draft.finish(**run.origin(draft.table.name)) for draft in drafts.values()
            }
            more = facts(inputs, drafts[name].rows) if facts else {}
            yield from run.publish(stamps, more)

    return body


def _complete(name: str, made: Collection[str], rows: Mapping[str, Rows]) -> Mapping[str, Rows]:
    """The rows by table, of all tables: one that was left out would be published empty."""
    if {*rows} != {*made}:
        raise dg.Failure(
            f"{name} makes {', '.join(made)}, and its function gave"
            f" {', '.join(map(str, rows)) or 'nothing'}; give rows for each table",
            allow_retries=False,
        )
    return rows


def _batches(rows: Rows) -> Generator[pa.RecordBatch, None, None]:
    """Rows in the form of Parquet; closing it closes what they come from."""
    if isinstance(rows, pd.DataFrame):
        yield from pa.Table.from_pandas(rows, preserve_index=False).to_batches()
    else:
        yield from rows
