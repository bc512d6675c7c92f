"""Ranks are read by users, as metrics need them, from tables that have them by model."""

import duckdb
import numpy as np
import pytest

from ncf_assets.ncf.evaluation import user_metrics
from ncf_assets.orchestration import ranks
from ncf_assets.orchestration.ranks import AllRanks

COLUMNS = "protocol, user, item, n_candidates, n_better, n_tied"
TEST = [
    # user 3 has two held-out items; a row's n_better tells it from all others
    ("ease", "full", 3, 1, 9, 10, 0),
    ("ease", "full", 3, 8, 9, 11, 0),
    ("ease", "full", 5, 2, 8, 12, 1),
    ("ease", "full", 9, 1, 7, 13, 0),
    ("gmf", "full", 3, 1, 9, 20, 0),
    ("gmf", "full", 3, 8, 9, 21, 0),
    ("gmf", "full", 5, 2, 8, 22, 0),
    ("gmf", "full", 9, 1, 7, 23, 0),
]
BY_SEED = [
    # both seeds of gmf, in whose place test_ranks has the first one alone
    (model, seed, *rest[:4], rest[4] + 10 * (seed - 1), rest[5])
    for seed in (1, 2)
    for model, *rest in TEST[4:]
]
OUTSIDE = [("a", *rest[:4], 1, 0) for _, *rest in TEST[:4]]  # "a" is before ease


@pytest.fixture
def found() -> AllRanks:
    """The drawn tables."""
    connection = duckdb.connect()
    for table, key in (
        ("test_ranks", "model"),
        ("outside_ranks", "model"),
        ("seed_ranks", "model, seed"),
    ):
        rows = {"test_ranks": TEST, "outside_ranks": OUTSIDE, "seed_ranks": BY_SEED}[table]
        names = f"{key}, {COLUMNS}"
        connection.execute(
            f"create table {table} as select * from (values {', '.join(map(str, rows))}) v({names})"
        )
    return AllRanks(connection)


def test_each_user_has_the_ranks_of_each_model_and_seed(
    found: AllRanks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two users are read at a time, and one is given at a time."""
    monkeypatch.setattr(ranks, "USERS_AT_ONCE", 2)
    monkeypatch.setattr(user_metrics, "AT_ONCE", 1)
    assert found.trainings == [("a", 0), ("ease", 0), ("gmf", 1), ("gmf", 2)]
    blocks = [block["full"] for block in found.blocks(np.array([3, 5, 9]))]
    assert [block.n_better.tolist() for block in blocks] == [
        [[1, 10, 20, 30], [1, 11, 21, 31]],
        [[1, 12, 22, 32]],
        [[1, 13, 23, 33]],
    ]
    assert [block.n_candidates.tolist() for block in blocks] == [[9, 9], [8], [7]]
    assert [block.starts.tolist() for block in blocks] == [[0, 2], [0, 1], [0, 1]]
    assert blocks[1].n_tied.tolist() == [[0, 1, 0, 0]]
