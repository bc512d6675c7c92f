"""The macros over what the tiny data set's models serve, compared with the models themselves."""

from pathlib import Path

import duckdb
import numpy as np
import pytest

from ncf_assets.orchestration import scorers
from ncf_assets.orchestration.fits import TRAINING_INPUTS, interactions
from ncf_assets.orchestration.inputs import Inputs
from ncf_assets.warehouse.warehouse import Warehouse

pytestmark = [pytest.mark.process, pytest.mark.timeout(900)]


def test_recommend_for_a_history_scores_as_the_model_does_and_why_adds_up(made: Path) -> None:
    """The lists of all users, by the 3 largest weights of each item of a fit to everything."""
    place = Warehouse(made)
    read = Inputs(
        place, "Sample", [*TRAINING_INPUTS, "interactions", "ease_model", "itemknn_model"]
    )
    name, model = scorers.item_to_item(read, "serve")
    known = interactions(read, "serve")
    weights = model.weights_of(np.arange(12))
    others = np.argsort(-weights, axis=1, kind="stable")[:, 3:]  # equals in the order of items
    np.put_along_axis(weights, others, 0, axis=1)
    scores = model.history.toarray() @ weights
    user_ids, item_ids = (read.read(f"{side}s")[f"{side}_id"] for side in ("user", "item"))
    with duckdb.connect(str(place.paths.database), read_only=True) as connection:
        for user in range(13):
            own = known.items[known.users == user]
            asked = ["Sample", item_ids[own].tolist()]
            query = "select item_id, score from recommend_for(?, ?) where reason = ?"
            found = dict(connection.execute(query, [*asked, name]).fetchall())
            unseen = np.setdiff1d(np.flatnonzero(scores[user] > 0), own)
            assert found == pytest.approx(
                {item_ids[item]: scores[user, item] for item in unseen}, rel=1e-5
            )
            for item, score in found.items():
                query = "select sum(score), sum(share) from why('Sample', ?, ?)"
                sums = connection.execute(query, [user_ids[user], item]).fetchall()
                assert sums == [(pytest.approx(score), pytest.approx(1))]
