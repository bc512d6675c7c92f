"""The served NeuMF recommends to somebody of whom a list of items is known."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from ncf_assets.serving import Recommender
from ncf_assets.warehouse.warehouse import Warehouse

pytestmark = pytest.mark.process
K = 3  # recommendations of a user in `tiny.CONFIG`


@pytest.fixture(scope="module")
def recommender(made: Path) -> Recommender:
    """Load the model of the tiny data set."""
    return Recommender.load(Warehouse(made), "Sample")


def test_a_users_own_history_gives_the_users_own_recommendations(
    made: Path, recommender: Recommender
) -> None:
    """All 13 users, with their items from the first to the last."""
    place = Warehouse(made)
    users, items = (place.read(name, "Sample") for name in ("users", "items"))
    history = place.read("interactions", "Sample").sort_values("recency", ascending=False)
    listed = place.read("recommendations", "Sample").set_index("user_id")
    for number, user in enumerate(users["user_id"]):
        own = items["item_id"].take(history.query(f"user == {number}")["item"])
        found = recommender.recommend(list(own), K)
        expected = listed.loc[[user]]
        assert found.scores == pytest.approx(list(expected["score"]), rel=1e-4, abs=1e-5)
        if np.diff(found.scores).max() < -1e-4:  # equals may change places
            assert found.items == list(expected["item_id"])
        assert not {*found.items} & {*own}


def test_unknown_items_are_named_and_the_others_count(recommender: Recommender) -> None:
    """Of an item that comes twice the last time counts."""
    found = recommender.recommend(["item03", "no such item", "item01", "item03"], K)
    assert found.unknown == ["no such item"]
    assert found == recommender.recommend(["no such item", "item01", "item03"], K)
    assert not {"item01", "item03"} & {*found.items}
    with pytest.raises(ValueError, match=r"none of the items is known, found 'a', 'b'\. Give an"):
        recommender.recommend(["a", "b"])
    with pytest.raises(ValueError, match=r"k must be 1 or more, found 0\."):
        recommender.recommend(["item03"], 0)


def test_a_model_of_other_items_is_refused(made: Path, tmp_path: Path) -> None:
    """Its numbers stand for other ids; so is one of an earlier version, which cannot fold in."""
    for name in ("models/served_model", "tables/items"):
        shutil.copytree(made / name, tmp_path / name)
    place = Warehouse(tmp_path)
    record = place.record("served_model", "Sample")
    (place.paths.file("served_model", "Sample")).write_text(
        json.dumps(record | {"provenance": record["provenance"] | {"input_hashes": {"items": "x"}}})
    )
    with pytest.raises(LookupError, match=r"from other items\. Run `ncf-assets materialize Sample"):
        Recommender.load(place, "Sample")
    del record["fold_in"]
    (place.paths.file("served_model", "Sample")).write_text(json.dumps(record))
    with pytest.raises(LookupError, match="was made by another version"):
        Recommender.load(place, "Sample")
