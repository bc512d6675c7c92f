"""What each fit of a model knows: its own splits and no others; and how it is interrupted."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
import pytest

from ncf_assets.ncf.interactions import Interactions
from ncf_assets.ncf.models import ials
from ncf_assets.ncf.models.ials import Factors, IalsSettings
from ncf_assets.orchestration import checkpoints, scorers
from ncf_assets.orchestration.checkpoints import CheckpointStore
from ncf_assets.orchestration.fits import SPLITS, TRAINING_INPUTS, interactions, validation
from ncf_assets.orchestration.fitted_models import Fitted
from ncf_assets.orchestration.inputs import Inputs
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.running import SPLIT, failure, materialize
from ncf_assets_tests.tiny import CONFIG, copied

pytestmark = [pytest.mark.process, pytest.mark.timeout(900)]
FITTED = [
    "ials_model", "ease_model", "itemknn_model", "bm25_model", "rp3beta_model", "slist_model",
    "blend_model",
]  # fmt: skip
DAYS = 4  # each user but the newcomer has an item a day; the third is validation, the fourth test


@pytest.fixture(scope="module")
def original(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The tiny data set, materialized."""
    return copied(made, tmp_path_factory.mktemp("original"))


def config(*assets: str, **more: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of some assets of the tiny data set, and more settings of them."""
    own = {name: CONFIG["ops"][name]["config"] for name in assets if name in CONFIG["ops"]}
    ops = {name: {"config": {**own.get(name, {}), **more.get(name, {})}} for name in assets}
    return {"ops": {name: of for name, of in ops.items() if of["config"]}}


def exchanged(source: Path, day: int) -> None:
    """Exchange the items of user02 and user03 of a day in a file of reviews.

    No item is rated more or less often than before, and no user has an item twice.
    """
    *lines, rejected = source.read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    first, second = (rows[user * DAYS + day] for user in (2, 3))
    assert (first["reviewerID"], second["reviewerID"]) == ("user02", "user03")
    first["asin"], second["asin"] = second["asin"], first["asin"]
    for user in ("user02", "user03"):
        own = [row["asin"] for row in rows if row["reviewerID"] == user]
        assert len(set(own)) == DAYS
    source.write_text("\n".join([*map(json.dumps, rows), rejected]) + "\n")


def hashes(warehouse: Warehouse, assets: list[str]) -> dict[str, str]:
    """The content hashes of some assets."""
    return {asset: warehouse.get_provenance(asset, "Sample").content_hash for asset in assets}


def test_evaluated_models_do_not_depend_on_test_items_and_the_served_one_does(
    original: Warehouse, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """Two users exchange their test items: every fit of the kinds of models gives the same bits.

    NeuMF that serves is another. Users and items have the same numbers as before.
    """
    other = copied(original.root, tmp_path)
    exchanged(other.root / "tiny.json", day=3)
    networks = ["gmf_model", "neumf_model"]
    made = [*SPLIT, *FITTED, *networks, "served_model"]
    assert materialize(other, instance, made, config(*FITTED, *networks)).success
    mine, theirs = hashes(other, made), hashes(original, made)
    same = {asset for asset in made if mine[asset] == theirs[asset]}
    expected = {
        "rejected_reviews",
        "filters",
        "users",
        "items",
        "split_rule",
        "train",
        "validation",
        *FITTED,
        *networks,
    }
    assert same == expected


def test_evaluated_models_know_the_validation_items(
    original: Warehouse, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """Two users exchange their validation items, which changes every fitted model."""
    other = copied(original.root, tmp_path)
    exchanged(other.root / "tiny.json", day=2)
    models = FITTED[:-1]  # a blend is a weight, which may be the same
    assert materialize(other, instance, [*SPLIT, *models], config(*models)).success
    mine, theirs = (hashes(place, [*models, "train", "test"]) for place in (other, original))
    same = {asset for asset in mine if mine[asset] == theirs[asset]}
    assert same == {"train", "test"}


def pairs_of(warehouse: Warehouse, *splits: str) -> Interactions:
    """The pairs of some splits in each user's order of time, by the table `interactions`."""
    rows = warehouse.read("interactions", "Sample")
    own = pd.concat([warehouse.read(split, "Sample") for split in splits])
    rows = rows.merge(own[["user", "item"]])
    rows = rows.sort_values(["user", "timestamp", "recency"], ascending=[True, True, False])
    return Interactions(
        rows["user"].to_numpy(np.int32), rows["item"].to_numpy(np.int32), n_users=13, n_items=12
    )


def factors_in(warehouse: Warehouse) -> Factors:
    """The factorization in place."""
    file = warehouse.record("ials_model", "Sample")["file"]
    with np.load(warehouse.paths.folder("ials_model", "Sample") / file) as arrays:
        return Factors(arrays["users"], arrays["items"])


def settings_of(warehouse: Warehouse) -> IalsSettings:
    """The settings that were chosen for iALS."""
    return IalsSettings(**warehouse.record("ials_model", "Sample")["settings"])


@pytest.mark.parametrize(
    ("fit", "n"), [("choose", 12 * 2 + 2), ("test", 12 * 3 + 2), ("serve", 12 * 4 + 2)]
)
def test_a_fit_sees_the_pairs_of_its_splits(original: Warehouse, fit: Any, n: int) -> None:
    """In each user's order of time; users and items that none of them has count too."""
    read = Inputs(original, "Sample", (*TRAINING_INPUTS, *SPLITS["serve"]))
    found, expected = interactions(read, fit), pairs_of(original, *SPLITS[fit])
    assert found.n == n
    assert found.users.tolist() == expected.users.tolist()
    assert found.items.tolist() == expected.items.tolist()
    assert (found.n_users, found.n_items) == (13, 12)


def test_validation_ranks_among_all_that_is_in_neither_train_nor_validation(
    original: Warehouse,
) -> None:
    """12 items less 2 of train, the held-out one included; the test item competes as others do."""
    read = Inputs(original, "Sample", ("users", "items", "train", "validation"))
    everyone = validation(read, 100, seed=1)
    assert everyone.users.tolist() == original.read("validation", "Sample")["user"].tolist()
    assert set(everyone.seen.n_unseen(everyone.users) + 1) == {12 - 2}
    test = original.read("test", "Sample")
    assert not everyone.seen.contains(test["user"].to_numpy(), test["item"].to_numpy()).any()


def test_some_validation_users_are_drawn_by_the_seed(original: Warehouse) -> None:
    """Five of twelve in the order of their numbers, each with the held-out item."""
    read = Inputs(original, "Sample", ("users", "items", "train", "validation"))
    some, again, other = (validation(read, 5, seed) for seed in (1, 1, 2))
    held_out = original.read("validation", "Sample").set_index("user")["item"]
    assert some.users.size == 5
    assert some.users.tolist() == sorted(set(some.users.tolist()))
    assert some.items.tolist() == held_out[some.users].tolist()
    assert some.users.tolist() == again.users.tolist() != other.users.tolist()


def test_the_factorization_is_fitted_again_with_what_was_chosen(original: Warehouse) -> None:
    """That of the file is of train and validation, with the settings of its record."""
    expected = ials.fit(pairs_of(original, "train", "validation"), settings_of(original))
    found = factors_in(original)
    np.testing.assert_allclose(found.users, expected.users, atol=1e-6)
    np.testing.assert_allclose(found.items, expected.items, atol=1e-6)


@pytest.mark.parametrize(
    ("model", "splits"),
    [("neumf_model", ("train", "validation")), ("served_model", ("train", "validation", "test"))],
)
def test_neumf_is_built_around_the_factorization_of_its_own_fit(
    original: Warehouse, model: str, splits: tuple[str, ...]
) -> None:
    """Its first two columns are iALS's of all that the fit sees, ten times those of users."""
    from ncf_assets.ncf.models import neumf

    expected = ials.fit(pairs_of(original, *splits), settings_of(original))
    record = original.record(model, "Sample")
    network = neumf.load(original.paths.folder(model, "Sample") / record["file"])
    for side, scaled in (("user", 10 * expected.users), ("item", expected.items)):
        embeddings = network.get_layer(f"gmf_{side}_embedding").get_weights()[0]
        np.testing.assert_allclose(embeddings[:, :2], scaled, rtol=1e-4, atol=1e-5)


def test_the_served_model_is_trained_for_the_epochs_of_the_evaluated_one(
    original: Warehouse,
) -> None:
    """It has its settings, and no validation."""
    evaluated, served = (
        original.record(model, "Sample") for model in ("neumf_model", "served_model")
    )
    assert served["fit"] == "serve"
    assert len(served["history"]) == 1 + evaluated["chosen_epoch"]
    assert served["choosing"] == evaluated["choosing"]
    assert {epoch["validation_ndcg_at_10"] for epoch in served["history"]} == {None}


def test_without_a_refit_the_model_that_was_chosen_is_published(
    original: Warehouse, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """It knows train alone, and iALS beside a NeuMF of train is fitted to train for it."""
    other, models = copied(original.root, tmp_path), ["ials_model", "neumf_model"]
    once = config(*models, **{model: {"refit": False} for model in models})
    assert materialize(other, instance, models, once).success
    records = [other.record(model, "Sample") for model in models]
    assert [record["fit"] for record in records] == ["choose", "choose"]
    expected = ials.fit(pairs_of(other, "train"), settings_of(other))
    np.testing.assert_allclose(factors_in(other).users, expected.users, atol=1e-6)
    of_neumf, before = records[1], original.record("neumf_model", "Sample")
    assert [e["validation_ndcg_at_10"] for e in of_neumf["history"]] == [
        e["validation_ndcg_at_10"] for e in before["choosing"]
    ]
    assert of_neumf["history"] == of_neumf["choosing"]
    assert of_neumf["provenance"]["content_hash"] != before["provenance"]["content_hash"]


def test_mllib_needs_the_engine_spark(
    original: Warehouse, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """Asked for by the configuration, or by the record of a model that it has fitted.

    What is in the file of that model needs no Spark.
    """
    other = copied(original.root, tmp_path)
    asked = config("ials_model", ials_model={"fitted_by": "mllib"})
    refused = failure(materialize(other, instance, ["ials_model"], asked), "ials_model")
    said = (
        "ials_model of dataset Sample is fitted by MLlib, which needs the engine spark, and the"
        " engine of this run is duckdb. Set NCF_ENGINE=spark, or materialize ials_model with"
        " `fitted_by: numpy`, and what follows from it."
    )
    assert refused.startswith(said)
    record = other.paths.file("ials_model", "Sample")
    record.write_text(record.read_text().replace('"fitted_by": "numpy"', '"fitted_by": "mllib"'))
    refused = failure(materialize(other, instance, ["served_model"], {}), "served_model")
    assert refused.startswith(said)
    factors = scorers.ials(Inputs(other, "Sample", ["ials_model"]), "test")
    assert (factors.users == factors_in(original).users).all()


def test_the_content_of_a_blend_says_which_fit_it_is_of() -> None:
    """Its weight alone would not, and what follows from it would not be seen to have changed."""
    blend = Fitted(settings={"weight": 0.5})
    assert blend.content_hash("test") == Fitted(settings={"weight": 0.5}).content_hash("test")
    assert blend.content_hash("test") != blend.content_hash("choose")
    assert blend.content_hash("test") != Fitted(settings={"weight": 0.6}).content_hash("test")


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, int]]]:
    """Let a training fail once it has kept epoch 1 of its second fit; all that it keeps."""
    kept: list[tuple[str, int]] = []
    save = CheckpointStore.save

    def save_and_fail(self: CheckpointStore, fit: Any, choosing: Any, state: Any) -> None:
        save(self, fit, choosing, state)
        kept.append((fit, state.history[-1].epoch))
        if kept[-1] == ("test", 1) and kept.count(kept[-1]) == 1:
            raise RuntimeError("interrupted")

    monkeypatch.setattr(checkpoints, "QUIET", 0)
    monkeypatch.setattr(CheckpointStore, "save", save_and_fail)
    return kept


def test_a_training_that_is_interrupted_in_its_second_fit_goes_on_there(
    original: Warehouse,
    instance: dg.DagsterInstance,
    tmp_path: Path,
    interrupted: list[tuple[str, int]],
) -> None:
    """Nothing of the first fit is done again, and the model is that of a training without a break.

    Validation chose epoch 1 or later; the epochs of the first fit are in the record all the same.
    """
    other = copied(original.root, tmp_path)
    before = original.record("gmf_model", "Sample")
    assert before["chosen_epoch"] >= 1
    checkpoint = other.paths.checkpoint("gmf_model", "Sample")
    assert not materialize(other, instance, ["gmf_model"], config("gmf_model")).success
    assert checkpoint.exists()
    first = [("choose", 0), ("choose", 1), ("choose", 2), ("test", 0), ("test", 1)]
    assert interrupted == first
    assert materialize(other, instance, ["gmf_model"], config("gmf_model")).success
    assert interrupted[len(first) :] == [("test", 2)][: before["chosen_epoch"] - 1]
    after = other.record("gmf_model", "Sample")
    assert after["provenance"]["content_hash"] == before["provenance"]["content_hash"]
    for fit in ("choosing", "history"):
        assert [(e["epoch"], e["loss"], e["validation_ndcg_at_10"]) for e in after[fit]] == [
            (e["epoch"], e["loss"], e["validation_ndcg_at_10"]) for e in before[fit]
        ]
    assert not checkpoint.exists()
    events = other.paths.tensorboard("gmf_model", "Sample").iterdir()
    assert sorted(folder.name.rpartition("-")[2] for folder in events) == ["choose", "test"]
