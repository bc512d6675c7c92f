"""Compare the tables of a dataset with their versions before: rows, figures and lists that moved.

Users and items are compared by their ids, as their numbers may differ from version to version.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any

import duckdb

from ncf_assets.tables import Table, tables
from ncf_assets.warehouse.parquet import read_provenance, schema_matches
from ncf_assets.warehouse.provenance import Provenance
from ncf_assets.warehouse.warehouse import Warehouse

HEADLINE_K = 10  # as in `ncf.evaluation.headline.headline_k`, which is of another layer
NUMBERED = {"users": "user", "items": "item"}  # the tables that number ids, and the number
NOT_KEPT = "the users or items that its version before numbers are not kept"


@dataclass(frozen=True)
class TableChange:
    """A table and its version before.

    made, made_before: when each was made, ISO 8601 in UTC; None if there is no version before
    rows, rows_before: rows of each
    added, removed, changed: keys that are new, gone, or have other values in the columns that both
        versions have; None if the versions could not be compared, for the reason in `note`
    note: what else differs, or ''
    """

    table: str
    made: str
    rows: int
    made_before: str | None = None
    rows_before: int | None = None
    added: int | None = None
    removed: int | None = None
    changed: int | None = None
    note: str = ""

    @property
    def is_same(self) -> bool:
        """Whether there is a version before with the same rows and columns."""
        return (self.added, self.removed, self.changed, self.note) == (0, 0, 0, "")


@dataclass(frozen=True)
class MetricChange:
    """A figure of a model for all test users, with its 95 % interval, and what it was before."""

    model: str
    protocol: str
    metric: str
    k: int
    value: float
    ci_low: float | None
    ci_high: float | None
    value_before: float | None
    ci_low_before: float | None
    ci_high_before: float | None


@dataclass(frozen=True)
class ListChange:
    """How much of one user's list of recommendations moved.

    items: length of the list
    new: items of it that the list before lacked
    gone: items that only the list before has
    moved: items of both that have another position
    """

    user_id: str
    items: int
    new: int
    gone: int
    moved: int


@dataclass(frozen=True)
class Changes:
    """What differs between the tables of a dataset and their versions before.

    lists: of the users with a list in both versions
    """

    tables: list[TableChange]
    metrics: list[MetricChange]
    lists: list[ListChange]


def changes(place: Warehouse, dataset: str) -> Changes:
    """Return what differs between the tables of a dataset and their versions before."""
    return Changes(
        [
            _table_change(place, table, dataset)
            for name, table in tables().items()
            if not table.is_global and place.find_provenance(name, dataset)
        ],
        [MetricChange(*row) for row in _both(place, "metrics", dataset, METRICS)],
        [ListChange(*row) for row in _both(place, "recommendations", dataset, LISTS)],
    )


METRICS = f"""
    with headline as (
      select k from metrics where metric = 'ndcg' order by abs(k - {HEADLINE_K}), k limit 1
    )

    select
      model, protocol, metric, k,
      metrics.value, metrics.ci_low, metrics.ci_high,
      metrics_before.value, metrics_before.ci_low, metrics_before.ci_high
    from metrics
    left join metrics_before using (model, protocol, segment, metric, k)
    where segment = 'all' and metric in ('hr', 'ndcg') and protocol = 'full'
      and k = (select k from headline)
    order by metric, metrics.value desc, model
"""

LISTS = """
    select
      user_id,
      count(*) filter (listed.position is not null) as items,
      count(*) filter (was.position is null) as new,
      count(*) filter (listed.position is null) as gone,
      count(*) filter (was.position <> listed.position) as moved
    from recommendations as listed
    full join recommendations_before as was using (user_id, item_id)
    group by user_id
    having items > 0 and count(was.position) > 0
    order by new / items desc, user_id
"""


def describe_lists(found: Sequence[ListChange]) -> str:
    """Return in one sentence how much of the users' lists moved."""
    same = sum(not (one.new or one.gone or one.moved) for one in found)
    order = sum(not (one.new or one.gone) for one in found) - same
    new = mean(one.new / one.items for one in found)
    return (
        f"of {len(found):,} users' lists {same:,} are the same as before, and {order:,} have the"
        f" same items in another order; on average {new:.1%} of a list is new"
    )


def _both(place: Warehouse, table: str, dataset: str, query: str) -> list[Any]:
    """Return the rows of a query over a table and `<table>_before`; none without either."""
    if not (place.find_provenance(table, dataset) and place.previous_versions(table, dataset)):
        return []
    before = place.previous_versions(table, dataset)[0]
    if not schema_matches(tables()[table], _footer(place, before)):
        return []  # made by another version of the software, as its row of the tables says
    files = {table: place.existing(table, dataset), f"{table}_before": _here(place, before)}
    with place.connect(dataset, files) as connection:
        return connection.execute(query).fetchall()


def _table_change(place: Warehouse, table: Table, dataset: str) -> TableChange:
    now = place.get_provenance(table.name, dataset)
    versions = place.previous_versions(table.name, dataset)
    if not versions:
        return TableChange(table.name, now.written_at, now.rows, note="made once")
    before = read_provenance(_footer(place, versions[0]))
    change = TableChange(table.name, now.written_at, now.rows, before.written_at, before.rows)
    ids = {
        f"{source}_{version}": _made_from(place, source, dataset, provenance)
        for source in sorted({*_numbers(table).values()} - {table.name})
        for version, provenance in (("now", now), ("before", before))
    }
    files = {name: file for name, file in ids.items() if file}
    if len(files) < len(ids):
        return replace(change, note=NOT_KEPT)
    hashes = [read_provenance(_footer(place, file)).content_hash for file in files.values()]
    if now.content_hash == before.content_hash and hashes[::2] == hashes[1::2]:
        return replace(change, added=0, removed=0, changed=0)
    files |= {"now": place.paths.file(table.name, dataset), "before": versions[0]}
    here = {name: _here(place, file) for name, file in files.items()}
    with place.connect(dataset, here) as connection:
        return replace(change, **_compared(connection, table))


def _made_from(place: Warehouse, table: str, dataset: str, made: Provenance) -> Path | None:
    """Return the version of a table that something was made from; None if it is not kept.

    Content hashes tell which, as clocks of machines may differ. What has not read the table itself
    was made from tables that have.
    """
    if table in made.input_hashes:
        found = _input(place, table, dataset, made)
        return found[0] if found else None
    for name in sorted(made.input_hashes.keys() & tables().keys()):
        if (read := _input(place, name, dataset, made)) and (
            file := _made_from(place, table, dataset, read[1])
        ):
            return file
    return None


def _input(
    place: Warehouse, table: str, dataset: str, made: Provenance
) -> tuple[Path, Provenance] | None:
    """Return the version of a table that something has read, and its provenance."""
    versions = [place.paths.file(table, dataset), *place.previous_versions(table, dataset)]
    same = [
        (file, provenance)
        for file in versions
        if (footer := place.published.find_footer(file))
        and (provenance := read_provenance(footer)).content_hash == made.input_hashes[table]
    ]
    # equal interactions may be of users who have other ids: of these versions the clock must tell
    in_place = (one for one in same if one[1].written_at <= made.written_at)
    return next(in_place, same[0] if same else None)


def _footer(place: Warehouse, file: Path) -> Path:
    return place.published.find_footer(file) or file


def _here(place: Warehouse, file: Path) -> Path:
    return place.published.find(file) or file


def _numbers(table: Table) -> dict[str, str]:
    """Return the columns of a table that hold numbers of users or items, with the table of ids."""
    if table.name in NUMBERED:
        return {NUMBERED[table.name]: table.name}
    found = {}
    for column in table.columns:
        if named := re.match(r"(users\.user|items\.item)\b", column.description):
            found[column.name] = named[1].partition(".")[0]
    return found


def _compared(connection: duckdb.DuckDBPyConnection, table: Table) -> dict[str, Any]:
    """Count the keys that only one version has, and those with other values."""
    columns = {}
    for version in ("now", "before"):
        connection.execute(f"create view named_{version} as {_with_ids(table, version)}")
        described = connection.execute(f"describe named_{version}").fetchall()
        columns[version] = [name for name, *_ in described]
    key = [_id(table)] if table.name in NUMBERED else list(table.key)
    if missing := [name for name in key if name not in columns["before"]]:
        return {"note": f"the version before has no column {', '.join(missing)}"}
    values = [name for name in columns["now"] if name in columns["before"] and name not in key]
    differ = " or ".join(f'now."{v}" is distinct from before."{v}"' for v in values) or "false"
    same_key = " and ".join(f'now."{k}" = before."{k}"' for k in key)
    is_new, is_gone = f'before."{key[0]}" is null', f'now."{key[0]}" is null'
    counts = connection.execute(f"""
        select
          count(*) filter ({is_new}),
          count(*) filter ({is_gone}),
          count(*) filter (not ({is_new}) and not ({is_gone}) and ({differ}))
        from named_now as now
        full join named_before as before on {same_key}
    """).fetchall()
    return dict(zip(("added", "removed", "changed"), counts[0], strict=True)) | {
        "note": _other_columns(columns)
    }


def _id(table: Table) -> str:
    return f"{NUMBERED[table.name]}_id"


def _with_ids(table: Table, version: str) -> str:
    """Return a select of a version's rows with ids in place of numbers."""
    if table.name in NUMBERED:
        return f'select * exclude ("{NUMBERED[table.name]}") from "{version}"'
    named, joins = [], []
    for column, source in _numbers(table).items():
        number = NUMBERED[source]
        named.append(f'"of_{column}".{number}_id as "{column}"')
        joins.append(
            f' left join "{source}_{version}" as "of_{column}"'
            f' on listed."{column}" = "of_{column}"."{number}"'
        )
    replaced = f" replace ({', '.join(named)})" if named else ""
    return f'select listed.*{replaced} from "{version}" as listed{"".join(joins)}'


def _other_columns(columns: Mapping[str, list[str]]) -> str:
    """Return which columns only one of the versions has."""
    new = [name for name in columns["now"] if name not in columns["before"]]
    gone = [name for name in columns["before"] if name not in columns["now"]]
    parts = [f"new columns: {', '.join(new)}"] * bool(new)
    parts += [f"columns gone: {', '.join(gone)}"] * bool(gone)
    return "; ".join(parts)
