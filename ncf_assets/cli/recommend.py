"""`ncf-assets recommend`: what to show one person next, beside what they had, and why."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import click
import duckdb
from rich.console import Console
from rich.table import Table

from ncf_assets.cli.arguments import check_datasets, warehouse
from ncf_assets.cli.own_catalogue import own_catalogue

REASONS = 2  # items that are named as reasons of a recommendation

HISTORY = """
    select named.item_id, cast(listed.timestamp as date), listed.rating
    from users
    inner join interactions as listed using (dataset, "user")
    inner join items as named using (dataset, item)
    where dataset = ? and users.user_id = ?
    order by listed.recency
"""


@click.command()
@click.argument("dataset")
@click.argument("user", required=False)
@click.option(
    "--items",
    metavar="A,B,C",
    help="Recommend to somebody who has these items, the latest last, in place of a USER.",
)
def recommend(dataset: str, user: str | None, items: str | None) -> None:
    """Show what to recommend to a USER of DATASET, beside the user's history, and why.

    Reasons are the items that speak most for a recommendation, with their shares, as in `why`.

    \b
    ncf-assets recommend Sample A00AJCMT5VJQ6Z
    ncf-assets recommend Sample --items B0000CDMQH,B007VEDJK0
    """
    if (user is None) == (items is None):
        raise click.UsageError("either a USER or --items must be given, and not both.")
    check_datasets([dataset])
    with (
        own_catalogue(warehouse()) as database,
        duckdb.connect(str(database), read_only=True) as connection,
    ):
        try:
            if items is not None:
                _show_list(connection, dataset, [item.strip() for item in items.split(",")])
            else:
                _show_user(connection, dataset, str(user))
        except duckdb.CatalogException as error:
            raise click.ClickException(
                f"the recommendations of {dataset} are not materialized. Run `ncf-assets"
                f" materialize {dataset}`."
            ) from error
        except duckdb.InvalidInputException as error:  # of the macro `is_dataset`
            raise click.ClickException(str(error).removeprefix("Invalid Input Error: ")) from error


def _show_user(connection: duckdb.DuckDBPyConnection, dataset: str, user: str) -> None:
    history = connection.execute(HISTORY, [dataset, user]).fetchall()
    listed = _rows(connection, "recommend", [dataset, user])
    if not history:
        click.echo(f"{user} is no user of {dataset}, so these are the popular items.")
    reasons = _reasons(connection, "recommend", "why", [dataset, user])
    shown = Table("item", "date", "rating")
    for item, day, rating in history:
        shown.add_row(item, str(day), f"{rating:g}")
    _print(f"history of {user}, the latest first", shown, listed, reasons)


def _show_list(connection: duckdb.DuckDBPyConnection, dataset: str, items: Sequence[str]) -> None:
    asked = [dataset, list(items)]
    listed = _rows(connection, "recommend_for", asked)
    unknown = [item for position, item, *_ in listed if position is None]
    if unknown:
        click.echo(f"{dataset} has no item {', '.join(unknown)}.")
    reasons = _reasons(connection, "recommend_for", "why_for", asked)
    shown = Table("item")
    for item in reversed(items):
        shown.add_row(item, style="dim" if item in unknown else None)
    _print(
        "the list, the latest first", shown, [row for row in listed if row[0] is not None], reasons
    )


def _rows(connection: duckdb.DuckDBPyConnection, macro: str, asked: list[Any]) -> list[Any]:
    query = f"select position, item_id, score, reason from {macro}(?, ?)"
    return connection.execute(query, asked).fetchall()


def _reasons(
    connection: duckdb.DuckDBPyConnection, macro: str, why: str, asked: list[Any]
) -> dict[str, list[str]]:
    """Return the items that speak most for each recommended item, with their shares."""
    query = f"""
        select listed.item_id, reasons.item_id, reasons.share
        from {macro}(?, ?) as listed, {why}(?, ?, listed.item_id) as reasons
        where listed.reason <> 'popular' and reasons.position <= {REASONS}
        order by listed.position, reasons.position
    """
    found = defaultdict(list)
    for item, reason, share in connection.execute(query, [*asked, *asked]).fetchall():
        found[item].append(f"{reason} {share:.0%}")
    return found


def _print(title: str, history: Table, listed: list[Any], reasons: dict[str, list[str]]) -> None:
    """Print both tables side by side, each with its title; a history without rows is left out."""
    by = listed[0][3] if listed else "no model"
    shown = Table("", "item", "score", "because of")
    for position, item, score, _ in listed:
        shown.add_row(str(position), item, f"{score:.3g}", ", ".join(reasons.get(item, [])))
    both = Table.grid(padding=(0, 2))
    columns = [(title, history)] * bool(history.row_count) + [(f"recommendations by {by}", shown)]
    for row in zip(*columns, strict=True):
        both.add_row(*row)
    Console().print(both)
