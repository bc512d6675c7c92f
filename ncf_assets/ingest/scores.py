"""Read a file of scores by a model from outside: rows of user, item, and score or position.

The ids are those of the source, as in `users.user_id` and `items.item_id`, or the numbers of these
tables. A file that cannot be ranked is refused with all reasons at once, each with an example.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

from ncf_assets.datasets import Dataset
from ncf_assets.ingest.compression import SourceError
from ncf_assets.ingest.file_kinds import kind_of
from ncf_assets.ingest.table_source import duckdb_refusals, relation_of
from ncf_assets.sql_text import quoted

TABLES = ("users", "items", "test")  # the views that a connection must have
VALUES = {"score": "", "position": "-"}  # a position is a score below those before it
# the rows as they are to be kept and handed on
ROWS = "select user_id as user, item_id as item, score from scores order by user_id, item_id"

_CSV = Dataset("", "", "table")  # whose separator and quotes are those of CSV
_NO_POSITIONS = """
    select count(*), min(given_value::varchar)
    from scores
    where isfinite(score) and (score > -1 or score <> floor(score))
"""
# a query for the number of faults and examples of one, and the sentence that says so
_FAULTS = (
    (
        """
        select count(*), min(coalesce(given_user, given_item, given_value::varchar))
        from scores
        where given_user is null or given_item is null or given_value is null
        """,
        "each row must have a user, an item and a {value}, found {n} of {rows} rows without, such"
        " as one that has only {0!r}. Fill them in, or remove the rows",
    ),
    (
        """
        select count(*), min(given_value::varchar)
        from scores
        where given_value is not null and not coalesce(isfinite(score), false)
        """,
        "each {value} must be a finite number, found {n} of {rows} that are not, such as {0!r}."
        " Correct them, or remove the rows",
    ),
    (
        """
        select count(distinct given_user), min(given_user)
        from scores
        where given_user is not null and user_id is null
        """,
        "users must be those of the dataset, found {n} that it lacks, such as {0!r}. Give the ids"
        " that users.user_id has; numbers as users.user has them need --dense-ids",
    ),
    (
        """
        select count(distinct given_item), min(given_item)
        from scores
        where given_item is not null and item_id is null
        """,
        "items must be those of the dataset, found {n} that it lacks, such as {0!r}. Give the ids"
        " that items.item_id has; numbers as items.item has them need --dense-ids",
    ),
    (
        """
        select count(*), min(user_id), arg_min(item_id, user_id)
        from (
          select user_id, item_id
          from scores
          where user_id is not null and item_id is not null
          group by user_id, item_id
          having count(*) > 1
        ) as repeated
        """,
        "each pair of user and item may come once, found {n} that come again, such as {0!r} and"
        " {1!r}. Keep one row of each",
    ),
    (
        """
        select count(*), min(user_id), (select count(distinct test.user) from test)
        from users
        where
          users.user in (select test.user from test)
          and users.user not in (select scores.user from scores where scores.user is not null)
        """,
        "each test user must have a row, found {n} of {1:,} without, such as {0!r}. Rank items for"
        " each user of the table `test`",
    ),
)


@dataclass(frozen=True)
class Listed:
    """The rows of the test users, sorted by user: users and items integers [n], scores [n]."""

    users: np.ndarray
    items: np.ndarray
    scores: np.ndarray


def read(connection: duckdb.DuckDBPyConnection, file: Path, *, dense_ids: bool = False) -> str:
    """Read a file into the temporary table `scores`; return which of VALUES it has.

    `dense_ids` says that users and items are given by their numbers. Raise `SourceError` for a file
    that cannot be read or ranked.
    """
    if kind_of(file) not in ("text", "parquet"):
        raise SourceError(f"{file} must be a Parquet or CSV file. Write the scores as one of them")
    with duckdb_refusals(str(file), "Correct it"):
        relation = relation_of(file, _CSV)
        value = _value_of(connection, file, relation)
        connection.execute(_select(relation, value, dense_ids=dense_ids))
    if reasons := list(_reasons(connection, value)):
        listed = "\n".join(f"- {reason}" for reason in reasons)
        raise SourceError(f"{file} cannot be ranked:\n{listed}")
    return value


def listed(connection: duckdb.DuckDBPyConnection) -> Listed:
    """Return what `read` has read of the test users."""
    found = connection.sql("""
        select "user", item, score
        from scores
        where "user" in (select test.user from test)
        order by "user"
    """).fetchnumpy()
    return Listed(found["user"], found["item"], found["score"])


def _value_of(connection: duckdb.DuckDBPyConnection, file: Path, relation: str) -> str:
    """Return the column that orders a user's items; raise `SourceError` without needed columns."""
    columns = [name for name, *_ in connection.sql(f"describe select * from {relation}").fetchall()]
    values = [name for name in VALUES if name in columns]
    if {"user", "item"} <= set(columns) and len(values) == 1:
        return values[0]
    raise SourceError(
        f"{file} must have the columns user, item, and either score or position, found"
        f" {', '.join(columns)}. Rename or remove columns; those of a CSV file are separated by"
        " commas, and its first line has their names"
    )


def _select(relation: str, value: str, *, dense_ids: bool) -> str:
    """Return the statement that makes the table `scores` of a relation."""
    user, item = (
        f"{table}.{name} = try_cast(given.{name} as bigint)"
        if dense_ids
        else f"{table}.{name}_id = given.{name}"
        for table, name in (("users", "user"), ("items", "item"))
    )
    return f"""
        create or replace temp table scores as
        select
          given.user as given_user,
          given.item as given_item,
          given.value as given_value,
          {VALUES[value]}try_cast(given.value as double) as score,
          users.user,
          users.user_id,
          items.item,
          items.item_id
        from (
          select "user"::varchar as user, item::varchar as item, {quoted(value)} as value
          from {relation}
        ) as given
        left join users on {user}
        left join items on {item}
    """


def _reasons(connection: duckdb.DuckDBPyConnection, value: str) -> Iterator[str]:
    """Yield why the rows of the table `scores` cannot be ranked."""
    [(rows,)] = connection.sql("select count(*) from scores").fetchall()
    if rows == 0:
        yield "it must have rows, found none. Write a row for each user and item"
        return
    for query, sentence in _FAULTS:
        n, *examples = connection.execute(query).fetchall()[0]
        if n:
            yield sentence.format(*examples, n=f"{n:,}", rows=f"{rows:,}", value=value)
    if value == "position":
        n, example = connection.execute(_NO_POSITIONS).fetchall()[0]
        if n:
            yield (
                f"each position must be a whole number from 1 on, found {n:,} of {rows:,} that are"
                f" not, such as {example!r}. Number each user's items 1, 2, 3"
            )
