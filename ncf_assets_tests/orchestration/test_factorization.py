"""What Spark's workers select are the weights of the interactions."""

import duckdb
import numpy as np
import pytest

from ncf_assets.ncf.interactions import Interactions
from ncf_assets.orchestration.factorization import weighted


@pytest.mark.parametrize("half_life", [0.0, 0.5, 3.0])
def test_selected_weights_are_those_of_the_interactions(half_life: float) -> None:
    """Of users with 3, 1 and 5 interactions; recencies 1 and 2 are in `validation` or held out."""
    users = np.repeat([0, 1, 2], [3, 1, 5])
    items = np.array([4, 0, 2, 1, 3, 2, 0, 1, 4])
    recency = np.array([5, 2, 3, 3, 7, 2, 4, 6, 5])
    known = Interactions.of(users, items, 3, 5, recency)
    pairs = zip(known.users, known.items, strict=True)
    expected = dict(zip(pairs, known.weights(half_life), strict=True))
    rows = np.stack([users, items, recency], axis=1)
    select, parameters = weighted(("train", "validation"), half_life)
    with duckdb.connect() as connection:
        for table, own in (("train", rows[recency > 2]), ("validation", rows[recency == 2])):
            connection.execute(f'create table {table} ("user" int, item int, recency int)')
            connection.executemany(f"insert into {table} values (?, ?, ?)", own.tolist())
        found = connection.sql(select, params=parameters).fetchall()
    assert {(user, item): weight for user, item, weight in found} == pytest.approx(expected)
