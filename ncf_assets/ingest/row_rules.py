"""The rules that a table's row must satisfy, in SQL.

Those of a line of Amazon's files are in `ncf_assets.ingest.review`, in Python. They differ in the
first day that is valid, and there a time is always a whole number. Where the values come from is in
`ncf_assets.ingest.table_source`.
"""

import re
import sys
from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache

from ncf_assets.datasets import TIMESTAMP_UNITS, Dataset
from ncf_assets.ingest.compression import SourceError
from ncf_assets.ingest.reader import TEXT_KEPT
from ncf_assets.ingest.review import MICROS, epoch_seconds
from ncf_assets.ingest.table_source import Source
from ncf_assets.sql_text import literal

# chosen: a time in a wrong unit is in 1970, or far in the future
FIRST_DAY_OF_TABLES = date(1971, 1, 1)
_SHOWN = 40  # characters of a wrong value that a reason repeats; chosen

_TIMES = ("TIMESTAMP", "DATE")  # how the names of DuckDB's types of time begin
_NUMBERS = re.compile(r"U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL.*")


def judged(source: Source, types: Mapping[str, str], dataset: Dataset, today: date) -> str:
    """Return the select of user_id, item_id, rating, timestamp, reason and text of all rows.

    `reason` and `text` are null for a row that is accepted. `types` are DuckDB's, by role. A
    source without ratings has the rating 1 in each row.
    """
    values = {**source.values, "rating": source.values.get("rating", "1.0")}
    given = ", ".join(f"{value} as {role}_value" for role, value in values.items())
    passed_on = ", line, json" if source.text == "line" else ""
    rules = _reasons(source, dataset, today)
    reasons = " ".join(f"when {condition} then {reason}" for condition, reason in rules)
    order = "" if source.ordered else " order by all"
    return f"""
    with given as (select {given}{passed_on} from {source.relation}),
    typed as (
      select
        *,
        cast(user_value as varchar) as user_id,
        cast(item_value as varchar) as item_id,
        try_cast(rating_value as double) as rating,
        {_micros(types["timestamp"], source.names["timestamp"], dataset)} as micros
      from given
    ),
    judged as (select *, case {reasons} end as reason from typed)
    select
      user_id,
      item_id,
      rating,
      case when reason is null then make_timestamp(micros) end as timestamp,
      reason,
      case when reason is not null then coalesce(left({source.text}, {TEXT_KEPT}), '') end
        as text
    from judged{order}
    """


def _reasons(source: Source, dataset: Dataset, today: date) -> list[tuple[str, str]]:
    """Return a condition and the expression of a reason for each rule, the first one first."""
    name = {role: f"`{name}`" for role, name in source.names.items()}
    rating, time = literal(name.get("rating", "")), literal(name["timestamp"])
    shown = f"left(cast(timestamp_value as varchar), {_SHOWN})"
    first, end = (
        epoch_seconds(day) * MICROS for day in (FIRST_DAY_OF_TABLES, today + timedelta(days=2))
    )
    unit = dataset.timestamp_unit
    wanted = f"a number of {unit}" if unit else "a time (a number needs `timestamp_unit`)"
    within = f"{f'in {unit} ' if unit else ''}between {FIRST_DAY_OF_TABLES} and tomorrow"
    return [
        *((condition, literal(reason)) for condition, reason in source.rejections),
        (_is_blank("user_id"), literal(f"empty {name['user']}")),
        (_is_blank("item_id"), literal(f"empty {name['item']}")),
        ("rating is null", f"concat({rating}, ' is not a number')"),
        ("not isfinite(rating)", f"concat({rating}, ' is ', rating, ', not a finite number')"),
        ("timestamp_value is null", literal(f"empty {name['timestamp']}")),
        ("micros is null", f"concat({time}, ' is ', {shown}, {literal(f', not {wanted}')})"),
        (
            f"micros not between {first} and {end - 1}",
            f"concat('time ', {shown}, {literal(f' is not {within}')}, {_hint(unit, first, end)})",
        ),
    ]


def _is_blank(text: str) -> str:
    return f"coalesce(regexp_full_match({text}, {_blank_pattern()}), true)"


@cache  # a look at all characters takes longer than the import of this module may
def _blank_pattern() -> str:
    """Return the pattern of what Python's strip leaves nothing of; DuckDB's ltrim leaves tabs."""
    return literal(f"[{''.join(filter(str.isspace, map(chr, range(sys.maxunicode))))}]*")


def _hint(unit: str | None, first: int, end: int) -> str:
    """Return the expression of the unit in which a time would be valid, if there is one."""
    if unit is None:
        return "''"
    factors = {other: of / TIMESTAMP_UNITS[unit] for other, of in TIMESTAMP_UNITS.items()}
    cases = " ".join(
        f"when micros * {factor!r} between {first} and {end - 1} then ' ({other}?)'"
        for other, factor in factors.items()
    )
    return f"case {cases} else '' end"


def _micros(kind: str, name: str, dataset: Dataset) -> str:
    """Return the expression of the microseconds since 1970, null where there is no such time."""
    unit = dataset.timestamp_unit
    if kind.startswith(_TIMES) or (kind == "VARCHAR" and not unit):
        if unit:
            raise SourceError(
                f"`{name}` is a time by its type ({kind}), found timestamp_unit = {unit!r}. Remove"
                f" `timestamp_unit` from {dataset.block}"
            )
        # with the time zone UTC, which is that of a text without one
        time = "try_cast(try_cast(timestamp_value as timestamptz) as timestamp)"
        return f"case when isfinite({time}) then epoch_us({time}) end"
    if kind != "VARCHAR" and not _NUMBERS.fullmatch(kind):
        raise SourceError(
            f"`{name}` must be a time or a number, found {kind}. Correct `columns` of"
            f" {dataset.block}"
        )
    if unit is None:
        raise SourceError(
            f"`{name}` is a number by its type ({kind}), and its unit is not known. Set"
            f" timestamp_unit of {dataset.block} to one of"
            f" {', '.join(TIMESTAMP_UNITS)}"
        )
    micros = f"try_cast(timestamp_value as double) * {TIMESTAMP_UNITS[unit]!r}"
    return f"try_cast(round({micros}) as bigint)"
