"""`ncf-assets diff`: what a dataset's tables, figures and recommendations have that is new."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Column, Table

from ncf_assets.cli.arguments import check_datasets, warehouse
from ncf_assets.cli.wrapping import say
from ncf_assets.warehouse.changes import (
    Changes,
    MetricChange,
    TableChange,
    changes,
    describe_lists,
)

NOTHING = (
    "no table of {0} has a version before it. It is kept from the next `ncf-assets materialize {0}`"
    " on, unless NCF_TABLE_VERSIONS is 1."
)
NARROW: dict[str, Any] = {  # so that tables of ten million rows fit 80 columns
    "box": box.SIMPLE_HEAD,
    "show_edge": False,
    "pad_edge": False,
    "padding": 0,
}
METRICS = "among all unseen items, with 95 % intervals"
MOST = 5  # users whose lists moved most that are named


@click.command()
@click.argument("dataset")
@click.option("--json", "as_json", is_flag=True, help="Print all of it as JSON, for programs.")
def diff(dataset: str, as_json: bool) -> None:
    """Compare the tables of DATASET with their versions before.

    Rows that were added, removed and changed, by the key of each table; the metrics of each model
    with their intervals; and how much of each user's recommendations is new. The version before is
    that of the last time that the table was made (NCF_TABLE_VERSIONS).
    """
    check_datasets([dataset])
    found = changes(warehouse(), dataset)
    if as_json:
        click.echo(json.dumps(asdict(found)))
    elif not found.tables:
        say(f"nothing is materialized. Run `ncf-assets materialize {dataset}`.")
    elif any(change.made_before for change in found.tables):
        _show(found)
    else:
        say(NOTHING.format(dataset))


def _show(found: Changes) -> None:
    console = Console()
    if differing := [c for c in found.tables if c.made_before and not c.is_same]:
        console.print(table_changes(differing))
    for one in [one for one in differing if one.note]:
        say(f"{one.table}: {one.note}")
    same = [c.table for c in found.tables if c.is_same]
    once = [c.table for c in found.tables if not c.made_before]
    for names, what in ((same, "the same as before"), (once, "made once")):
        if names:
            say(f"{what}: {', '.join(names)}")
    if found.metrics:
        console.print(_metrics(found.metrics))
    if found.lists:
        say(describe_lists(found.lists))
        for user in [user for user in found.lists[:MOST] if user.new]:
            click.echo(f"  {user.user_id}: {user.new} of {user.items} items are new")


def table_changes(differing: Sequence[TableChange]) -> Table:
    """Return a row for each table that differs from its version before."""
    counts = [Column(name, justify="right") for name in ("rows", "added", "removed", "changed")]
    shown = Table("table", *counts, Column("before, UTC", no_wrap=True), **NARROW)
    for one in differing:
        numbers = (one.rows, one.added, one.removed, one.changed)
        shown.add_row(
            one.table,
            *("?" if number is None else f"{number:,}" for number in numbers),
            str(one.made_before)[:16].replace("T", " "),
        )
    return shown


def _metrics(found: Sequence[MetricChange]) -> Table:
    columns = ("metric", "model", "now", "before")
    shown = Table(*columns, title=METRICS, **NARROW)
    for one in found:
        shown.add_row(
            f"{one.metric.upper()}@{one.k}",
            one.model,
            _figure(one.value, one.ci_low, one.ci_high),
            _figure(one.value_before, one.ci_low_before, one.ci_high_before),
        )
    return shown


def _figure(value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return "none"
    return f"{value:.4f}" if low is None else f"{value:.4f} ({low:.4f} to {high:.4f})"
