"""What the UI shows of a table before it is materialized, and what all assets say alike."""

from collections.abc import Iterable

import dagster as dg

from ncf_assets.assets.partition import partitions_of
from ncf_assets.tables import Table

OWNERS = ["team:ncf-assets"]
# where automation is switched on, what is there follows what it is made from; source files have a
# sensor of their own, so that nobody downloads 24 datasets by a click
WHEN_UPSTREAM_IS_NEW = dg.AutomationCondition.eager()


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
        tags={"makes": "table"},
        automation_condition=WHEN_UPSTREAM_IS_NEW if reads else None,
        code_version=version,
        partitions_def=partitions_of(table),
        metadata={
            "dagster/column_schema": dg.TableSchema(columns),
            "dagster/table_name": table.name,
        },
    )
