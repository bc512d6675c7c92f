"""Small tables drawn by hand, and a select run over them."""

from datetime import datetime, timedelta
from typing import Any

import duckdb

from ncf_assets.tables import tables

Rows = list[tuple[Any, ...]]


def at(seconds: float) -> datetime:
    """The time of a drawn row, which has the seconds since 1970."""
    return datetime(1970, 1, 1) + timedelta(seconds=seconds)


def database(drawn: dict[str, Rows]) -> duckdb.DuckDBPyConnection:
    """A DuckDB with these tables, their columns in the order of their headers.

    A time is drawn in seconds since 1970.
    """
    connection = duckdb.connect()
    for name, rows in drawn.items():
        columns = ", ".join(f"{column.name} {column.type}" for column in tables()[name].columns)
        connection.execute(f"create table {name} ({columns})")
        if rows:  # in one statement, which takes a fraction of the time of one for each
            timed = [column.type == "TIMESTAMP" for column in tables()[name].columns]
            values = [
                at(value) if is_time and isinstance(value, int | float) else value
                for row in rows
                for value, is_time in zip(row, timed, strict=True)
            ]
            marks = ", ".join([f"({', '.join('?' * len(timed))})"] * len(rows))
            connection.execute(f"insert into {name} values {marks}", values)
    return connection


def select(table: str, drawn: dict[str, Rows], **parameters: Any) -> Rows:
    """The rows of a table's select over drawn tables."""
    if tables()[table].select is None:
        raise ValueError(f"{table} has no select to run; test the function that makes it")
    with database(drawn) as connection:
        return connection.execute(str(tables()[table].select), parameters or None).fetchall()
