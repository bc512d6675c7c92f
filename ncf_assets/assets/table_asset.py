"""How a table becomes an asset: `sql_asset` from its select, `table_asset` from a function."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa

from ncf_assets.assets.code import code_version
from ncf_assets.assets.inputs import Inputs
from ncf_assets.assets.partition import DATASETS, Run, check_specs, settings_of
from ncf_assets.checks import checks
from ncf_assets.tables import Table, tables
from ncf_assets.warehouse import Warehouse


class NoConfig(dg.Config):
    """For tables that nothing but their inputs decides."""


# of a run's inputs and of the rows made, what else the UI shows
Facts = Callable[[Inputs, int], dict[str, Any]]
Compute = Callable[[Inputs, Any], pd.DataFrame | Iterable[pa.RecordBatch]]
OWNERS = ["team:ncf-assets"]


def table_spec(
    table: Table, group: str, reads: Iterable[str], version: str, kind: str
) -> dg.AssetSpec:
    """What the UI shows of a table before it is materialized, from its header."""
    columns = [
        dg.TableColumn(
            column.name,
            column.type,
            column.description,
            constraints=dg.TableColumnConstraints(nullable=column.nullable),
        )
        for column in table.columns
    ]
    return dg.AssetSpec(
        table.name,
        deps=sorted(reads),
        description=f"{table.description}\n\nGrain: {table.grain}.",
        group_name=group,
        kinds={kind, "parquet"},
        owners=OWNERS,
        code_version=version,
        partitions_def=DATASETS,
        metadata={
            "dagster/column_schema": dg.TableSchema(columns),
            "dagster/table_name": table.name,
        },
    )


def table_asset(
    group: str,
    reads: Iterable[str],
    *,
    config: type[dg.Config] = NoConfig,
    modules: Iterable[str] = (),
) -> Callable[[Compute], dg.AssetsDefinition]:
    """Make an asset of a function `(inputs, config) -> rows`, named like its table.

    `modules` are the science modules whose text is part of the asset's code version.
    """

    def wrap(compute: Compute) -> dg.AssetsDefinition:
        table = tables()[compute.__name__]
        version = code_version(compute.__module__, *modules, str(table.schema))
        return _asset(table, group, reads, version, "python", config, compute)

    return wrap


def sql_asset(
    name: str,
    group: str,
    config: type[dg.Config] = NoConfig,
    facts: Facts | None = None,
) -> dg.AssetsDefinition:
    """Make an asset of a table's select; what it reads follows from the text.

    `facts` gives more metadata for the UI.
    """
    table = tables()[name]
    select = str(table.select)

    def compute(inputs: Inputs, config: Any) -> Iterator[pa.RecordBatch]:
        return inputs.query(select, {name: getattr(config, name) for name in table.parameters})

    version = code_version(select, str(table.schema))
    return _asset(table, group, table.upstream, version, "sql", config, compute, facts)


def _asset(
    table: Table,
    group: str,
    reads: Iterable[str],
    version: str,
    kind: str,
    config_type: type[dg.Config],
    compute: Compute,
    facts: Facts | None = None,
) -> dg.AssetsDefinition:
    """Read, call, write: the body that all single-table assets share."""
    # a check may look at more tables than the table is made from, and needs them in place
    upstream = {*reads, *(name for check in checks()[table.name] for name in check.reads)}

    @dg.multi_asset(
        name=table.name,
        specs=[table_spec(table, group, upstream, version, kind)],
        check_specs=check_specs(table),
    )
    def body(
        context: dg.AssetExecutionContext,
        config: config_type,  # type: ignore[valid-type]
        warehouse: dg.ResourceParam[Warehouse],
    ) -> Iterator[Any]:
        inputs = Inputs(warehouse, context.partition_key, upstream)
        run = Run(context, warehouse, inputs, settings_of(config))
        with warehouse.draft(table.name, run.dataset) as draft:
            rows = compute(inputs, config)
            draft.write(_batches(rows) if isinstance(rows, pd.DataFrame) else rows)
            stamp = draft.finish(**run.origin(table.name))
            more = facts(inputs, stamp.rows) if facts else {}
            yield from run.publish({draft: stamp}, more)

    return body


def _batches(frame: pd.DataFrame) -> list[pa.RecordBatch]:
    batches: list[pa.RecordBatch] = pa.Table.from_pandas(frame, preserve_index=False).to_batches()
    return batches
