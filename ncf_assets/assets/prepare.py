"""Prepare: filters, id maps, and one ordered interaction for each user and item."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

import dagster as dg
import numpy as np
import pyarrow as pa
from pydantic import Field, field_validator

from ncf_assets.ncf.k_core import k_core
from ncf_assets.orchestration.publish import AssetRun
from ncf_assets.orchestration.tables import python_tables, sql_table
from ncf_assets.tables import tables

# what keeps all reviews, as ratings are finite
EVERYTHING = {"first_day": "0001-01-01", "last_day": "9999-12-31", "min_rating": -1.7e308}


class FilterConfig(dg.Config):
    """Which reviews count as interactions: all of them, unless something is set."""

    first_day: str | None = Field(
        None, description="First day (UTC) that counts, such as 2013-01-01"
    )
    last_day: str | None = Field(None, description="Last day (UTC) that counts")
    min_rating: float | None = Field(
        None, description="Lowest rating that counts, of the latest review of a user and item"
    )
    min_user_interactions: int = Field(
        1,
        ge=1,
        description="Users with fewer are left out, and items below, until both are as asked",
    )
    min_item_interactions: int = Field(1, ge=1, description="Items with fewer are left out")

    @field_validator("first_day", "last_day")
    @classmethod
    def _check_day(cls, day: str | None) -> str | None:
        if day is None:
            return None
        # of what Python takes for a date, DuckDB reads this form alone
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", day):
            raise ValueError(f"a day is written as 2013-01-31, found {day!r}")
        date.fromisoformat(day)
        return day


class InteractionsConfig(dg.Config):
    """How ties in time are broken."""

    seed: int = Field(2017, ge=0, description="Seed of the hash that orders items of equal time")


class Counts(NamedTuple):
    """How many pairs of user and item, users and items there are."""

    pairs: int
    users: int
    items: int


@python_tables(
    {"latest_reviews": "prepare", "filters": "prepare"}, reads=["raw_reviews"], config=FilterConfig
)
def latest_reviews(run: AssetRun, config: FilterConfig) -> None:
    """Keep the latest review of each user and item, as far as the filters keep it."""
    parameters: dict[str, Any] = dict(EVERYTHING)
    removed: dict[str, Counts] = {}
    before = None
    for name in EVERYTHING:
        if (value := getattr(config, name)) is not None:
            before = before or _counts(run, parameters)
            parameters[name] = value
            after = _counts(run, parameters)
            removed[f"{name} {value}"] = _difference(before, after)
            before = after
    reviews = run.inputs.query(str(tables()["latest_reviews"].select), parameters)
    users, items = config.min_user_interactions, config.min_item_interactions
    if max(users, items) > 1:
        schema = tables()["latest_reviews"].schema
        found = pa.Table.from_batches((batch.cast(schema) for batch in reviews), schema)
        kept = _core(found, users, items)
        setting = f"min_user_interactions {users}, min_item_interactions {items}"
        removed[setting] = _difference(_counts_of(found), _counts_of(kept))
        run.write("latest_reviews", kept.to_batches())
    else:
        run.write("latest_reviews", reviews)
    rows = [
        {"position": position, "filter": setting, **counts._asdict()}
        for position, (setting, counts) in enumerate(removed.items(), 1)
    ]
    run.write("filters", pa.RecordBatch.from_pylist(rows, schema=tables()["filters"].schema))
    left, filtered = run.rows_written("latest_reviews"), sum(c.pairs for c in removed.values())
    run.extra_metadata |= {
        "earlier reviews dropped": run.inputs.rows("raw_reviews") - left - filtered
    }
    if not left:
        raise dg.Failure(
            f"the filters {'; '.join(removed)} leave none of {filtered:,} pairs of user and item."
            " Set wider ones in the configuration of `latest_reviews`.",
            allow_retries=False,
        )


def _counts(run: AssetRun, parameters: Mapping[str, Any]) -> Counts:
    """Count what the select gives with these parameters."""
    counted = f"""
        select count(*) as pairs, count(distinct user_id) as users, count(distinct item_id) as items
        from ({tables()["latest_reviews"].select}) as kept
    """
    [batch] = [batch for batch in run.inputs.query(counted, parameters) if batch.num_rows]
    return Counts(*(column[0].as_py() for column in batch.columns))


def _core(reviews: pa.Table, min_per_user: int, min_per_item: int) -> pa.Table:
    """Return the reviews of the k-core."""
    users, items = (numbered(reviews[name]) for name in ("user_id", "item_id"))
    return reviews.filter(pa.array(k_core(users, items, min_per_user, min_per_item)))


def numbered(ids: pa.ChunkedArray) -> np.ndarray:
    """Return the numbers of ids, from 0 in the order of their first places: int32 [n]."""
    # it is the numbers that are joined, as an array of texts holds 2 GiB at most
    numbers: np.ndarray = ids.dictionary_encode().combine_chunks().indices.to_numpy()
    return numbers


def _counts_of(reviews: pa.Table) -> Counts:
    return Counts(
        reviews.num_rows, *(len(reviews[name].unique()) for name in ("user_id", "item_id"))
    )


def _difference(before: Counts, after: Counts) -> Counts:
    return Counts(*(one - other for one, other in zip(before, after, strict=True)))


users = sql_table("users", "prepare")
items = sql_table("items", "prepare")
interactions = sql_table("interactions", "prepare", InteractionsConfig)
