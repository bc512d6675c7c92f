"""How tables, plots and column lineage become metadata that the Dagster UI shows."""

import base64
from typing import Any

import dagster as dg
import pandas as pd

from ncf_assets.tables import Table
from ncf_assets.tables.column_lineage import column_lineage


def table_metadata(frame: pd.DataFrame) -> dg.TableMetadataValue:
    """A small frame as a table in the UI; values are shown as text, never rendered."""
    rows = frame.astype(str).to_dict("records")
    schema = dg.TableSchema([dg.TableColumn(str(name)) for name in frame.columns])
    records = [dg.TableRecord({str(k): v for k, v in row.items()}) for row in rows]
    return dg.MetadataValue.table(records, schema=schema)


def inline_plot(title: str, png: bytes) -> dg.MarkdownMetadataValue:
    """A plot within Markdown, as the UI shows it without a file server."""
    encoded = base64.b64encode(png).decode()
    return dg.MetadataValue.md(f"![{title}](data:image/png;base64,{encoded})")


def lineage_metadata(table: Table) -> dict[str, Any]:
    """In Dagster's form, which its open-source UI does not draw, and as a table that it shows."""
    lineage = column_lineage(table)
    rows = [
        {"column": column, "is made from": ", ".join(".".join(source) for source in sources)}
        for column, sources in lineage.items()
    ]
    return {
        "dagster/column_lineage": dg.TableColumnLineage(
            {
                column: [dg.TableColumnDep(dg.AssetKey(other), name) for other, name in sources]
                for column, sources in lineage.items()
            }
        ),
        "column lineage": table_metadata(pd.DataFrame(rows, columns=["column", "is made from"])),
    }
