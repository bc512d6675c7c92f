"""What the Dagster UI shows of a step: small tables, plots, column lineage, time and memory."""

import base64
import math
import resource
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import dagster as dg
import pandas as pd

from ncf_assets.tables import Table
from ncf_assets.tables.column_lineage import column_lineage

PREVIEW_ROWS = 10  # rows of a table's preview, and failing rows that a check names
KILOBYTE = 1 if sys.platform == "darwin" else 1024  # the unit of ru_maxrss


@dataclass(frozen=True)
class ResourceUsage:
    """The time and memory that a step takes, measured from when this object is made."""

    started: float = field(default_factory=time.monotonic)

    def as_metadata(self) -> dict[str, float]:
        """Return the seconds so far, and the highest memory of the run's process so far."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KILOBYTE
        return {
            "seconds": round(time.monotonic() - self.started, 2),
            "peak memory of the run so far (MB)": round(peak / 1e6),
        }


def table_metadata(frame: pd.DataFrame) -> dg.TableMetadataValue:
    """Show a small frame as a table in the UI. Values are shown as text, never rendered."""
    rows = [
        {name: _shown(value) for name, value in row.items()} for row in frame.to_dict("records")
    ]
    schema = dg.TableSchema([dg.TableColumn(str(name)) for name in frame.columns])
    records = [dg.TableRecord({str(k): v for k, v in row.items()}) for row in rows]
    return dg.MetadataValue.table(records, schema=schema)


def code_references(table: str | None, function: Callable[..., Any] | None) -> dict[str, Any]:
    """Return where the UI's *Open source code* leads: a table's file, and a function, if any."""
    found: list[Any] = []
    with warnings.catch_warnings():
        # In beta; without them nobody finds the code of an asset in the UI.
        warnings.simplefilter("ignore", dg.BetaWarning)
        if table:
            file = str(resources.files("ncf_assets.tables").joinpath(f"{table}.sql"))
            found.append(
                dg.LocalFileCodeReference(file_path=file, line_number=1, label=f"{table}.sql")
            )
        if function:
            code, name = function.__code__, f"{function.__name__} in Python"
            found.append(
                dg.LocalFileCodeReference(
                    file_path=code.co_filename, line_number=code.co_firstlineno, label=name
                )
            )
        return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=found)}


def _shown(value: Any) -> str:
    """Return a value as text: nothing for a null, which the UI could not parse, and 4 digits."""
    if isinstance(value, float):
        return (
            "" if math.isnan(value) else f"{value:.4g}" if abs(value) < 10_000 else f"{value:.0f}"
        )
    return "" if value is None or value is pd.NaT or value is pd.NA else str(value)


def inline_plot(title: str, png: bytes) -> dg.MarkdownMetadataValue:
    """Show a plot within Markdown, as the UI does without a file server."""
    encoded = base64.b64encode(png).decode()
    return dg.MetadataValue.md(f"![{title}](data:image/png;base64,{encoded})")


def lineage_metadata(table: Table) -> dict[str, Any]:
    """Return a table's column lineage in Dagster's form, and as a table; nothing without any.

    Dagster's open-source UI does not draw the former; it shows the latter.
    """
    lineage = column_lineage(table)
    if not lineage:
        return {}
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
