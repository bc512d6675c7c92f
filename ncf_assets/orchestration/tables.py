"""How a table becomes an asset: `sql_table` from its select, `python_tables` from a function."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

import dagster as dg

from ncf_assets.checks import checks
from ncf_assets.orchestration.code_version import code_version
from ncf_assets.orchestration.metadata import code_references
from ncf_assets.orchestration.partitions import (
    OWNERS,
    WHEN_UPSTREAM_IS_NEW,
    AssetFactory,
    Partitions,
    check_spec,
)
from ncf_assets.orchestration.publish import AssetRun, asset_run
from ncf_assets.orchestration.upstream import reads_metadata
from ncf_assets.tables import Table, tables
from ncf_assets.warehouse.paths import ALL_DATASETS
from ncf_assets.warehouse.warehouse import Warehouse


class NoConfig(dg.Config):
    """The configuration of tables that nothing but their inputs decides."""


Compute = Callable[[AssetRun, Any], None]
# (asset, name, description) of a check that the function itself makes, by `AssetRun`
ExtraCheck = tuple[str, str, str]


def sql_table(
    name: str,
    group: str,
    config: type[dg.Config] = NoConfig,
    extra_metadata: Callable[[AssetRun], dict[str, Any]] | None = None,
    users_of: str | None = None,
) -> AssetFactory:
    """Make an asset of a table's select; what it reads follows from the text.

    `extra_metadata` gives more metadata for the UI. A select with too many rows to sort at once is
    run for some users of the table `users_of` at a time.
    """
    table = tables()[name]
    select = str(table.select)

    def compute(run: AssetRun, config: Any) -> None:
        parameters = {name: getattr(config, name) for name in table.parameters}
        if users_of:
            run.write(name, run.inputs.query_by_user(table, parameters, users_of))
        else:
            run.write(name, run.inputs.query(select, parameters))
        run.extra_metadata |= extra_metadata(run) if extra_metadata else {}

    version = code_version(select, str(table.schema))
    return _table_factory(name, {name: group}, table.upstream, version, "sql", config, compute)


def python_tables(
    groups: Mapping[str, str],
    reads: Iterable[str],
    *,
    config: type[dg.Config] = NoConfig,
    kind: str = "python",
    warning_checks: Collection[ExtraCheck] = (),
    **spec: Any,
) -> Callable[[Compute], AssetFactory]:
    """Make the assets of a function `(run, config)` that writes tables with `run.write`.

    `groups` names the tables and the group of each. Tables of one function are always made
    together; in run configuration they have the function's name. `warning_checks` are checks that
    the function itself reports; `spec` replaces attributes of the tables' specs.
    """
    if unknown := [name for name in groups if name not in tables()]:
        raise ValueError(
            f"{', '.join(unknown)} is not documented in tables/."
            f" Write tables/{unknown[0]}.sql, or correct the name."
        )

    def wrap(compute: Compute) -> AssetFactory:
        made = [tables()[name] for name in groups]
        version = code_version(compute, *(f"{table.schema} {table.select or ''}" for table in made))
        name = compute.__name__
        return _table_factory(
            name, groups, reads, version, kind, config, compute, warning_checks, spec
        )

    return wrap


def table_spec(
    table: Table,
    group: str,
    upstream: Collection[str],
    deps: Collection[str],
    version: str,
    kind: str,
    function: Compute | None,
    partitions: Partitions | None,
) -> dg.AssetSpec:
    """Declare a table as the UI shows it before it is materialized, from its header.

    `upstream` is all that it reads, and `deps` what Dagster is told of it.
    """
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
        deps=deps,
        description=f"{table.description}\n\nGrain: {table.grain}.",
        group_name=group,
        kinds={kind, "parquet"} | ({"duckdb"} if kind == "sql" else set()),
        owners=OWNERS,
        tags={"makes": "table"},
        automation_condition=WHEN_UPSTREAM_IS_NEW if upstream else None,
        code_version=version,
        partitions_def=partitions,
        metadata={
            "dagster/column_schema": dg.TableSchema(columns),
            "dagster/table_name": table.name,
            **reads_metadata(upstream),
            **code_references(table.name, function),
        },
    )


def check_specs(table: Table, partitions: Partitions | None) -> list[dg.AssetCheckSpec]:
    """Declare a table's checks in Dagster."""
    return [
        check_spec(
            table.name,
            check.name,
            f"{check.description} If not: {check.remedy}.",
            partitions,
            blocking=not check.warns,
        )
        for check in checks()[table.name]
    ]


def _table_factory(
    name: str,
    groups: Mapping[str, str],
    reads: Iterable[str],
    version: str,
    kind: str,
    config_type: type[dg.Config],
    compute: Compute,
    warning_checks: Collection[ExtraCheck] = (),
    spec: Mapping[str, Any] | None = None,
) -> AssetFactory:
    """Wrap what makes tables into the body that all table assets share."""
    made = [tables()[table] for table in groups]
    function = None if all(table.select for table in made) else compute
    # A check may look at more tables than its table is made from, and needs them in place.
    checked = {other for table in made for check in checks()[table.name] for other in check.reads}
    upstream = {*reads, *checked} - set(groups)
    # A table of all datasets finds by itself what there is; the others declare what they read.
    inputs = () if any(table.is_global for table in made) else tuple(sorted(upstream))

    def build(partitions: Partitions, deps: Collection[str]) -> dg.AssetsDefinition:
        partitions_of = {t.name: None if t.is_global else partitions for t in made}

        @dg.multi_asset(
            name=name,
            specs=[
                table_spec(
                    t,
                    groups[t.name],
                    upstream,
                    deps,
                    version,
                    kind,
                    function,
                    partitions_of[t.name],
                ).replace_attributes(**spec or {})
                for t in made
            ],
            check_specs=[
                *(each for t in made for each in check_specs(t, partitions_of[t.name])),
                *(
                    check_spec(*check, partitions_of[check[0]], blocking=False)
                    for check in warning_checks
                ),
            ],
        )
        def body(
            context: dg.AssetExecutionContext,
            config: config_type,  # type: ignore[valid-type]
            warehouse: dg.ResourceParam[Warehouse],
        ) -> Iterator[Any]:
            dataset = context.partition_key if context.has_partition_key else ALL_DATASETS
            settings = config.model_dump()  # type: ignore[attr-defined]
            with asset_run(
                context, warehouse, inputs, settings, dataset, tables=tuple(groups)
            ) as run:
                compute(run, config)
                yield from run.publish()

        return body

    return AssetFactory(tuple(groups), tuple(sorted(upstream)), build)
