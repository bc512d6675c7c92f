"""How networks learn, stop and stay the same for the same seed."""

import dataclasses
import math
from typing import Any

import keras
import numpy as np
import pytest

from ncf_assets.ncf import metrics, neumf, ranking, training
from ncf_assets.ncf.training import Epoch, TrainingSettings, train

pytestmark = pytest.mark.slow  # TensorFlow and its graphs

SETTINGS = TrainingSettings(
    epochs=2,
    batch_size=8,
    learning_rate=0.01,
    negatives_per_positive=2,
    optimizer="adam",
    patience=5,
    seed=1,
)
NOBODY = np.array([], np.int32), np.empty((0, 4), np.int32)


def settings(**changed: Any) -> TrainingSettings:
    """SETTINGS with some values changed."""
    return dataclasses.replace(SETTINGS, **changed)


def two_tastes(n_users: int = 60, n_items: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Even users like the first half of the items, odd ones the second: train pairs, held out.

    Each user has 8 items of the own half in train and one held out.
    """
    generator = np.random.default_rng(1)
    half = n_items // 2
    items = np.stack([generator.permutation(half)[:9] + (u % 2) * half for u in range(n_users)])
    return np.repeat(np.arange(n_users), 8), items[:, :8].ravel(), items[:, 8]


def test_one_step_is_the_gradient_step_worked_by_hand() -> None:
    """GMF of one factor, one user, two items; user embedding 1, item embeddings 2 and 3, h = 1.

    The positive has logit 2, the only possible negative logit 3. With both in one batch the loss is
    (log(1 + e⁻²) + log(1 + e³)) / 2 and its derivative by h is ((σ(2) - 1) · 2 + σ(3) · 3) / 2.
    """
    model = neumf.build_gmf(1, 2, 1, 1)
    model.get_layer("gmf_user_embedding").set_weights([np.array([[1.0]])])
    model.get_layer("gmf_item_embedding").set_weights([np.array([[2.0], [3.0]])])
    model.get_layer("logit").set_weights([np.array([[1.0]]), np.array([0.0])])
    one = settings(epochs=1, negatives_per_positive=1, optimizer="sgd", learning_rate=0.1)
    history = train(model, np.array([0]), np.array([0]), *NOBODY, one)
    sigmoid = [1 / (1 + math.exp(-x)) for x in (2, 3)]
    loss = (math.log(1 + math.exp(-2)) + math.log(1 + math.exp(3))) / 2
    assert history[1].loss == pytest.approx(loss, rel=1e-5)
    slope = ((sigmoid[0] - 1) * 2 + sigmoid[1] * 3) / 2
    kernel, bias = model.get_layer("logit").get_weights()
    assert kernel[0, 0] == pytest.approx(1 - 0.1 * slope, rel=1e-5)
    assert bias[0] == pytest.approx(-0.1 * (sigmoid[0] - 1 + sigmoid[1]) / 2, rel=1e-4)


def test_the_last_partial_batch_is_trained_too() -> None:
    """Three examples, batch 2: the mean loss is over all three, and both steps are taken."""
    model = neumf.build_gmf(1, 4, 1, 1)
    history = train(model, np.array([0]), np.array([0]), *NOBODY, settings(epochs=1, batch_size=2))
    assert history[1].loss == pytest.approx(math.log(2), rel=0.02)  # logits start near 0
    changed = model.get_layer("logit").get_weights()[1]
    assert abs(changed[0]) > 1e-3


def test_epoch_zero_is_the_untrained_model() -> None:
    """No loss and no speed, but validation as the caller would compute it."""
    users, items, held_out = two_tastes()
    candidates = np.column_stack([held_out, np.random.default_rng(2).integers(0, 60, (60, 20))])
    model = neumf.build_gmf(60, 60, 4, 1)
    scores = ranking.score(neumf.scorer(model), np.arange(60), candidates)
    expected = metrics.hit_ratio(*ranking.count_better_and_tied(scores), 10).mean()
    first = train(model, users, items, np.arange(60), candidates, SETTINGS)[0]
    assert (first.epoch, first.loss, first.examples_per_second) == (0, None, None)
    assert first.validation_hr_at_10 == pytest.approx(expected)


def test_training_keeps_the_best_epoch_and_stops_after_patience() -> None:
    """The weights at the end score as the best epoch did, not as the last."""
    users, items, held_out = two_tastes()
    candidates = np.column_stack([held_out, np.random.default_rng(2).integers(0, 60, (60, 20))])
    model = neumf.build_gmf(60, 60, 8, 1)
    many = settings(epochs=60, patience=2, learning_rate=0.05)
    history = train(model, users, items, np.arange(60), candidates, many)
    ndcg = [epoch.validation_ndcg_at_10 or 0.0 for epoch in history]
    best = int(np.argmax(ndcg))
    assert len(history) - 1 == best + 2 < 60
    scores = ranking.score(neumf.scorer(model), np.arange(60), candidates)
    found = metrics.ndcg(*ranking.count_better_and_tied(scores), 10).mean()
    assert found == pytest.approx(ndcg[best])


def test_the_same_seed_gives_the_same_weights_to_the_bit() -> None:
    """In one process, twice; another seed gives others."""
    users, items, _ = two_tastes()

    def trained(seed: int) -> str:
        model = neumf.build_neumf(60, 60, 4, [8, 4], 3)
        train(model, users, items, *NOBODY, settings(seed=seed, batch_size=64))
        return neumf.weights_hash(model)

    assert trained(1) == trained(1) != trained(2)


def test_without_validation_users_the_last_epoch_is_kept() -> None:
    """All epochs run, whatever the patience; metrics are None."""
    users, items, _ = two_tastes()
    model = neumf.build_gmf(60, 60, 2, 1)
    history = train(model, users, items, *NOBODY, settings(epochs=4, patience=1))
    assert [epoch.epoch for epoch in history] == [0, 1, 2, 3, 4]
    assert {epoch.validation_ndcg_at_10 for epoch in history} == {None}


def test_a_loss_that_is_not_finite_stops_with_epoch_and_remedy() -> None:
    """SGD with a learning rate of 1e30."""
    users, items, _ = two_tastes()
    model = neumf.build_gmf(60, 60, 2, 1)
    with pytest.raises(FloatingPointError, match=r"after epoch 1 .*lower learning_rate"):
        train(model, users, items, *NOBODY, settings(optimizer="sgd", learning_rate=1e30))


def test_every_epoch_is_reported() -> None:
    """In order, as in the history."""
    seen: list[Epoch] = []
    model = neumf.build_gmf(1, 4, 1, 1)
    history = train(model, np.array([0]), np.array([0]), *NOBODY, SETTINGS, seen.append)
    assert seen == history


def test_a_progress_line_has_what_is_known() -> None:
    """Epoch 0 has neither loss nor speed."""
    line = training.describe(Epoch(0, None, 0.5, 0.25, 0.1, None), 3)
    assert line == "epoch 0 of 3: validation HR@10 0.5000, validation NDCG@10 0.2500, 0.1 s"


@pytest.mark.parametrize("build", ["gmf", "neumf"])
def test_tastes_are_learnt(build: str) -> None:
    """Held-out items rank above the other half's; popularity knows no taste and gets near 10 of 30.

    Lists of 30: the held-out item of the own half, and 29 of the other half.
    """
    users, items, held_out = two_tastes()
    other_half = np.stack([np.arange(29) + (1 - u % 2) * 30 for u in range(60)])
    candidates = np.column_stack([held_out, other_half])
    model: keras.Model = (
        neumf.build_gmf(60, 60, 4, 1)
        if build == "gmf"
        else neumf.build_neumf(60, 60, 4, [16, 8], 1)
    )
    train(model, users, items, *NOBODY, settings(epochs=50, negatives_per_positive=4))
    scores = ranking.score(neumf.scorer(model), np.arange(60), candidates)
    hits = metrics.hit_ratio(*ranking.count_better_and_tied(scores), 10).mean()
    counts = np.bincount(items, minlength=60)[candidates]
    popular = metrics.hit_ratio(*ranking.count_better_and_tied(counts), 10).mean()
    assert popular < 0.5
    assert hits > 0.95
