"""Measure how long the macros take that answer for one person, at Movies_and_TV's size.

    python -m benchmarks.questions [--users 123960] [--items 50052] [--repeat 20]

The tables are drawn: their numbers say nothing, and their sizes are those of the default
configuration. Each question is asked for another list of items each time; the first answer is not
counted. The last line is a JSON object of medians in milliseconds: of the time that passed, of
which none may exceed 50 on a machine without other work, and of the time of all processors.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from ncf_assets.assets.serve import QUICKLY_FOUND, WeightsConfig
from ncf_assets.ncf.random_streams import rng
from ncf_assets.warehouse.warehouse import Warehouse

DATASET = "Generated"
PER_USER = 14  # interactions, as in Movies_and_TV
LISTS = (1, 3, 10, 20)  # items of a list


def main() -> None:
    """Draw the tables, ask, and print the figures."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--users", type=int, default=123_960)
    arguments.add_argument("--items", type=int, default=50_052)
    arguments.add_argument("--repeat", type=int, default=20)
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Warehouse(Path(folder))
        draw(place, chosen.users, chosen.items)
        figures = measure(place.paths.database, chosen.users, chosen.items, chosen.repeat)
    print(json.dumps(figures))


def draw(place: Warehouse, n_users: int, n_items: int) -> None:
    """Publish the tables that the macros read."""
    random = rng(1, "questions")
    n = n_users * PER_USER
    per_item = min(WeightsConfig.model_fields["weights"].default, n_items - 1)
    write(place, "users", {"user": np.arange(n_users), "user_id": ids("U", n_users)})
    write(place, "items", {"item": np.arange(n_items), "item_id": ids("I", n_items)})
    details = {"item_id": ids("I", n_items), "title": "A title", "brand": "", "category": ""}
    write(place, "item_details", details | {"price": 1.0})
    most = np.arange(1, min(20, n_items) + 1)
    write(place, "popular_items", {"position": most, "item_id": ids("I", most.size), "score": 1.0})
    of_users = {
        "user": np.repeat(np.arange(n_users), PER_USER),
        "item": random.integers(0, n_items, n),
        "recency": np.tile(np.arange(1, PER_USER + 1), n_users),
        "rank": 1,
        "rating": 5.0,
        "timestamp": datetime(2014, 5, 14),  # of any zone
    }
    write(place, "interactions", of_users)
    weights = {
        "item": np.repeat(np.arange(n_items), per_item),
        "position": np.tile(np.arange(1, per_item + 1), n_items),
        "recommended_item": random.integers(0, n_items, n_items * per_item),
        "weight": random.random(n_items * per_item, np.float32),
        "model": "itemknn",
        "half_life": 4.0,
    }
    write(place, "item_weights", weights, QUICKLY_FOUND)
    place.refresh_catalogue()


def ids(letter: str, n: int) -> np.ndarray:
    """Return n ids in the order of their numbers."""
    return np.array([f"{letter}{number:09}" for number in range(n)])


def write(
    place: Warehouse, table: str, columns: Mapping[str, Any], row_group: int | None = None
) -> None:
    """Publish a table; a value that is no array is that of all rows."""
    n = next(iter(columns.values())).size
    if table in ("users", "items"):
        columns = {**columns, "n_interactions": 1}
    arrays = {name: np.broadcast_to(np.asarray(values), n) for name, values in columns.items()}
    rows = pa.table({name: pa.array(np.ascontiguousarray(a)) for name, a in arrays.items()})
    with place.stage_table(table, DATASET) as staged:
        staged.write(rows.to_batches(row_group))
        staged.seal(code_version="", input_hashes={}, config={}, run_id="")
        staged.publish()


def measure(database: Path, n_users: int, n_items: int, repeat: int) -> dict[str, float]:
    """Return the median milliseconds of each question."""
    random = rng(1, "lists")

    def some(n: int) -> list[str]:
        return [f"I{item:09}" for item in random.integers(0, n_items, n)]

    def user() -> str:
        return f"U{random.integers(0, n_users):09}"

    def a_list(n: int) -> list[Any]:
        return [DATASET, some(n)]

    questions: dict[str, tuple[str, Callable[[], list[Any]]]] = {
        f"recommend_for_{n}": ("from recommend_for(?, ?)", partial(a_list, n)) for n in LISTS
    }
    questions["why"] = ("from why(?, ?, ?)", lambda: [DATASET, user(), *some(1)])
    figures = {}
    with duckdb.connect(str(database), read_only=True) as connection:
        for name, (query, values) in questions.items():
            for clock, of in ((time.perf_counter, name), (time.process_time, f"{name}_processor")):
                times = []
                for _ in range(repeat + 1):
                    asked, started = values(), clock()
                    connection.execute(query, asked).fetchall()
                    times.append(1000 * (clock() - started))
                figures[of] = round(statistics.median(times[1:]), 1)
                print(f"{of}: {figures[of]} ms, from {min(times):.1f} to {max(times):.1f}")
    return figures


if __name__ == "__main__":
    main()
