"""`ncf-assets recommend`: what to show one person next, beside what they had, and why."""

from collections import defaultdict
from collections.abc import Sequence
from textwrap import shorten
from typing import Any

import click
import duckdb
from rich import box
from rich.console import Console
from rich.table import Table

from ncf_assets.cli.arguments import check_datasets, warehouse
from ncf_assets.cli.own_catalogue import own_catalogue

LONGEST_TITLE = 40  # characters
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
    place = warehouse()
    with (
        own_catalogue(place) as database,
        duckdb.connect(str(database), read_only=True) as connection,
    ):
        place.published.register(connection)
        try:
            answer = _Answer(connection, dataset)
            if items is not None:
                answer.show_list([item.strip() for item in items.split(",")])
            else:
                answer.show_user(str(user))
        except duckdb.CatalogException as error:
            raise click.ClickException(
                f"the recommendations of {dataset} are not materialized. Run `ncf-assets"
                f" materialize {dataset}`."
            ) from error
        except duckdb.InvalidInputException as error:  # of the macro `is_dataset`
            raise click.ClickException(str(error).removeprefix("Invalid Input Error: ")) from error


class _Answer:
    """What is shown of one dataset, with titles beside the ids where there are any."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, dataset: str) -> None:
        self._connection, self._dataset = connection, dataset
        query = "select item_id, title from item_details where dataset = ? and title is not null"
        self._titles = dict(connection.execute(query, [dataset]).fetchall())

    def show_user(self, user: str) -> None:
        """Print the history of a user, and what is recommended."""
        asked = [self._dataset, user]
        listed, history = self._rows("recommend", asked), self._execute(HISTORY, asked)
        if not history:
            click.echo(f"{user} is no user of {self._dataset}, so these are the popular items.")
        shown = self._table([], ["date", "rating"])
        for item, day, rating in history:
            shown.add_row(*self._cells(item), str(day), f"{rating:g}")
        reasons = self._reasons("recommend", "why", asked)
        self._print(f"history of {user}", shown, listed, reasons)

    def show_list(self, items: Sequence[str]) -> None:
        """Print a list of items, and what is recommended for it."""
        asked = [self._dataset, list(items)]
        listed = self._rows("recommend_for", asked)
        unknown = [item for position, item, *_ in listed if position is None]
        if unknown:
            click.echo(f"{self._dataset} has no item {', '.join(unknown)}.")
        shown = self._table([], [])
        for item in reversed([item for item in items if item not in unknown]):
            shown.add_row(*self._cells(item))
        reasons = self._reasons("recommend_for", "why_for", asked)
        known = [row for row in listed if row[0] is not None]
        self._print("the list, the latest first", shown, known, reasons)

    def _execute(self, query: str, values: list[Any]) -> list[Any]:
        return self._connection.execute(query, values).fetchall()

    def _rows(self, macro: str, asked: list[Any]) -> list[Any]:
        return self._execute(f"select position, item_id, score, reason from {macro}(?, ?)", asked)

    def _reasons(self, macro: str, why: str, asked: list[Any]) -> dict[str, list[str]]:
        """Return the items that speak most for each recommended item, with their shares."""
        query = f"""
            select listed.item_id, reasons.item_id, reasons.share
            from {macro}(?, ?) as listed, {why}(?, ?, listed.item_id) as reasons
            where listed.reason <> 'popular' and reasons.position <= {REASONS}
            order by listed.position, reasons.position
        """
        found = defaultdict(list)
        for item, reason, share in self._execute(query, [*asked, *asked]):
            name = shorten(self._titles.get(reason, reason), LONGEST_TITLE, placeholder="…")
            found[item].append(f"{name} {share:.0%}")
        return found

    def _table(self, before: list[str], after: list[str]) -> Table:
        columns = [*before, "item", *["title"] * bool(self._titles), *after]
        return Table(*columns, box=box.SIMPLE_HEAD, show_edge=False)

    def _cells(self, item: str) -> list[str]:
        title = shorten(self._titles.get(item, ""), LONGEST_TITLE, placeholder="…")
        return [item, title] if self._titles else [item]

    def _print(
        self, title: str, history: Table, listed: list[Any], reasons: dict[str, list[str]]
    ) -> None:
        """Print both tables side by side with titles; a history without rows is left out."""
        shown = self._table([""], ["score", "because of"])
        for position, item, score, _ in listed:
            because = "\n".join(reasons.get(item, []))
            shown.add_row(str(position), *self._cells(item), f"{score:.3g}", because)
        by = listed[0][3] if listed else "no model"
        columns = [(title, history)] * bool(history.row_count)
        both = Table.grid(padding=(0, 2))
        for row in zip(*columns, (f"recommendations by {by}", shown), strict=True):
            both.add_row(*row)
        Console().print(both)
