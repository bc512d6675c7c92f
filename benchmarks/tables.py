"""Measure how long a table of interactions takes from its file, against DuckDB's own `read_csv`.

    python -m benchmarks.tables [--rows 10000000] [--repeat 1]

The rows are drawn, and are written as CSV and as Parquet. One side is DuckDB's `create table … as
from read_csv(…)` of the CSV. The other is ours, of each file: reading and judging every row into
`raw_reviews` and `rejected_reviews`, and then the selects up to `interactions`, each written as
Parquet with its hash; without Dagster and the checks. A third side shows what no program could
save: the same selects as one script of DuckDB, which judges, hashes and writes nothing. All run in
turn, and the best time of each counts. The last line is a JSON object of ratios: `csv` and
`parquet`, of the whole way, are to come below 1.5; `…_raw_reviews` is the reading alone, and
`…_by_script` compares the whole way with the script. With `--processor` the time of all processors
is compared in place of the time that passed, as other work does not change it much.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from ncf_assets.assets.prepare import EVERYTHING
from ncf_assets.datasets import Dataset
from ncf_assets.ingest import tables as ingest
from ncf_assets.tables import tables
from ncf_assets.warehouse.warehouse import Warehouse

Clock = Callable[[], float]  # seconds
DATASET = "Generated"
STEPS = ("raw_reviews", "latest_reviews", "users", "items", "interactions")
PARAMETERS: dict[str, dict[str, Any]] = {
    "latest_reviews": EVERYTHING,
    "interactions": {"seed": 2017},
}
# an item of each user, of which a few come often; times are seconds of some 8 years
ROWS = """
    select
      'U' || cast(hash(i % ({rows} // 14 + 1)) % 100000000 as varchar) as user_id,
      'B' || cast(cast(50000 * pow(hash(i, 1) / pow(2, 64), 2) as integer) as varchar) as item_id,
      cast(1 + hash(i, 2) % 5 as double) as rating,
      1150000000 + hash(i, 3) % 250000000 as timestamp
    from range({rows}) as drawn (i)
"""


def main() -> None:
    """Draw the files, measure both sides, and print the figures."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=10_000_000)
    arguments.add_argument("--repeat", type=int, default=1)
    arguments.add_argument("--processor", action="store_true")
    chosen = arguments.parse_args()
    clock = time.process_time if chosen.processor else time.perf_counter
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(Path(folder), chosen.rows, chosen.repeat, clock)))


def measure(folder: Path, rows: int, repeat: int, clock: Clock) -> dict[str, float]:
    """Return our times by those of DuckDB's `read_csv` and of the script, of each kind of file."""
    files = {kind: folder / f"rows.{kind}" for kind in ("csv", "parquet")}
    for file in files.values():
        duckdb.sql(f"copy ({ROWS.format(rows=rows)}) to '{file}'")
    own = min(seconds(clock, lambda: read_csv(files["csv"])) for _ in range(repeat))
    print(f"DuckDB's read_csv of {rows:,} rows into a table: {own:.2f} s")
    found = {}
    for kind, file in files.items():
        runs = [interactions(folder / f"{kind}{n}", file, rows, clock) for n in range(repeat)]
        best = min(runs, key=lambda steps: sum(steps.values()))
        print(f"{kind}: " + ", ".join(f"{step} {took:.2f} s" for step, took in best.items()))
        bare = min(seconds(clock, partial(script, file)) for _ in range(repeat))
        print(f"{kind}: the same selects as one script {bare:.2f} s")
        found[kind] = round(sum(best.values()) / own, 2)
        found[f"{kind}_by_script"] = round(sum(best.values()) / bare, 2)
        found[f"{kind}_raw_reviews"] = round(best["raw_reviews"] / own, 2)
    return found


def seconds(clock: Clock, work: Callable[[], object]) -> float:
    """Return how long something takes by a clock."""
    started = clock()
    work()
    return clock() - started


def read_csv(file: Path) -> None:
    """Read a file into a table of DuckDB, as DuckDB does it by itself."""
    with duckdb.connect() as connection:
        connection.execute(f"create table read as from read_csv('{file}')")


def script(file: Path) -> None:
    """Make the tables up to `interactions` in one DuckDB in memory, of all rows of a file."""
    with duckdb.connect() as connection:
        connection.execute(
            "create table raw_reviews as"
            " select * replace (make_timestamp(1000000 * cast(timestamp as bigint)) as timestamp)"
            f" from '{file}'"
        )
        for name in STEPS[1:]:
            connection.execute(
                f"create table {name} as {tables()[name].select}", PARAMETERS.get(name, {})
            )


def interactions(root: Path, file: Path, rows: int, clock: Clock) -> dict[str, float]:
    """Make the tables up to `interactions` from a file; return the seconds of each."""
    place, found = Warehouse(root), {}
    columns = {"user": "user_id", "item": "item_id", "rating": "rating", "timestamp": "timestamp"}
    dataset = Dataset(
        DATASET, "", "table", path=str(file), columns=columns, timestamp_unit="seconds"
    )
    found["raw_reviews"] = seconds(clock, lambda: _read(place, dataset, file))
    for table in STEPS[1:]:
        found[table] = seconds(clock, lambda table=table: _select(place, table))  # type: ignore[misc]
    if place.get_provenance("raw_reviews", DATASET).rows != rows:
        raise SystemExit(f"{file} has {rows:,} rows, and not all of them were read.")
    return found


def _read(place: Warehouse, dataset: Dataset, file: Path) -> None:
    today: date = datetime.now(UTC).date()
    with (
        place.connect(DATASET, {}) as connection,
        place.stage_table("raw_reviews", DATASET) as accepted,
        place.stage_table("rejected_reviews", DATASET) as rejected,
    ):
        for batch in ingest.read_file(connection, file, dataset, today):
            accepted.write([batch.accepted])
            rejected.write([batch.rejected])
        for staged in (accepted, rejected):
            staged.seal(code_version="", input_hashes={}, config={}, run_id="")
        place.publish_tables([accepted, rejected], DATASET)


def _select(place: Warehouse, name: str) -> None:
    table = tables()[name]
    files = {read: place.existing(read, DATASET) for read in table.upstream}
    rows: Iterable[pa.RecordBatch] = place.query(
        DATASET, files, str(table.select), PARAMETERS.get(name, {})
    )
    with place.stage_table(name, DATASET) as staged:
        staged.write(rows)
        staged.seal(code_version="", input_hashes={}, config={}, run_id="")
        place.publish_tables([staged], DATASET)


if __name__ == "__main__":
    main()
