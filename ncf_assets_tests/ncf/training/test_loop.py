"""Training learns, repeats itself to the bit, keeps its best epoch, and reports its failures."""

import math
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from ncf_assets.ncf.evaluation import rank_gains, ranking
from ncf_assets.ncf.evaluation.evaluation_negatives import (
    InteractionSet,
    unseen_items,
    user_keys,
)
from ncf_assets.ncf.evaluation.neumf_scorer import block_scorer
from ncf_assets.ncf.evaluation.validation import Validation, nothing_held_out
from ncf_assets.ncf.models import neumf
from ncf_assets.ncf.training import checkpoint, loop
from ncf_assets.ncf.training.compiled_epoch import epoch_function
from ncf_assets.ncf.training.epoch import Pointwise, TrainingSettings, default_batch_size
from ncf_assets.ncf.training.epochs import Epoch, best_epoch, describe
from ncf_assets.ncf.training.loop import TrainingState
from ncf_assets.ncf.training.training_data import InMemory, Positives
from ncf_assets_tests import forking

N_USERS, N_ITEMS = 60, 40
EPOCH_FUNCTION = "ncf_assets.ncf.training.epoch.epoch_function"
SETTINGS = TrainingSettings(
    epochs=3,
    batch_size=64,
    learning_rate=0.01,
    negatives_per_positive=4,
    l2=0.0,
    ema_decay=0.0,
    seed=1,
)
NOBODY = nothing_held_out(N_ITEMS)


def interactions() -> tuple[np.ndarray, np.ndarray]:
    """Draw five different items for each of 60 users."""
    generator = np.random.default_rng(0)
    items = [generator.choice(N_ITEMS, 5, replace=False) for _ in range(N_USERS)]
    return np.repeat(np.arange(N_USERS), 5), np.concatenate(items)


def validation() -> Validation:
    """Hold out a random unseen item of each user, among the 35 that compete."""
    generator = np.random.default_rng(1)
    users, items = interactions()
    unseen = [sorted({*range(N_ITEMS)} - {*items[users == user]}) for user in range(N_USERS)]
    held_out = np.array([generator.choice(of_user) for of_user in unseen], np.int32)
    everyone = np.arange(N_USERS, dtype=np.int32)
    pairs = np.append(users, everyone), np.append(items, held_out)
    return Validation(everyone, held_out, InteractionSet(*pairs, N_ITEMS))


@pytest.fixture(scope="module", autouse=True)
def compiled_once() -> Iterator[None]:
    """Let all trainings of one shape share an epoch: to compile it takes most of their time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EPOCH_FUNCTION, cache(epoch_function))
        yield


POSITIVES = InMemory(*interactions(), N_USERS, N_ITEMS)
VALIDATION = validation()


def train(
    trained: keras.Model,
    settings: TrainingSettings = SETTINGS,
    positives: Positives = POSITIVES,
    held_out: Validation = NOBODY,
    patience: int = 10,
    **more: Any,
) -> list[Epoch]:
    """Train a model on pairs in place; return its epochs."""
    _, n_items = neumf.size(trained)
    objective = Pointwise(positives, n_items, settings)
    return loop.train(trained, objective, held_out, settings.epochs, patience, **more)


def model() -> keras.Model:
    """Build a small NeuMF for them."""
    return neumf.build_neumf(N_USERS, N_ITEMS, 4, [8, 4], 1)


def gmf() -> keras.Model:
    """Return a small GMF, which takes half the time to compile."""
    return neumf.build_gmf(N_USERS, N_ITEMS, 4, 1)


def ndcg_of(trained: keras.Model) -> float:
    """Return NDCG@10 on validation."""
    return VALIDATION.evaluate(block_scorer(trained))[1]


def one_pair(n_users: int, n_items: int) -> InMemory:
    """Return a single positive, of user 0 and item 0."""
    return InMemory(np.array([0]), np.array([0]), n_users, n_items)


@pytest.mark.process
def test_equal_seeds_give_equal_weights() -> None:
    """Weights are equal to the bit.

    Here 20,000 rows of a batch fall on 40 items, so that threads could race.
    """
    settings = replace(SETTINGS, epochs=1, batch_size=20_000, learning_rate=0.5)
    positives = InMemory(*(np.tile(column, 40) for column in interactions()), N_USERS, N_ITEMS)
    hashes = set()
    for _ in range(3):
        trained = model()
        train(trained, settings, positives)
        hashes.add(neumf.weights_hash(trained))
    assert len(hashes) == 1


def test_each_epoch_has_negatives_of_its_own() -> None:
    """An epoch has one positive and 4 negatives, of 1,000 items; Adam moves the items in it.

    After 3 epochs up to 1 + 3 · 4 = 13 items have moved. With the same negatives in all epochs,
    only up to 5 would have.
    """
    trained = neumf.build_gmf(1, 1_000, 2, 1)
    before = trained.get_layer("gmf_item_embedding").get_weights()[0]
    train(trained, positives=one_pair(1, 1_000))
    moved = (trained.get_layer("gmf_item_embedding").get_weights()[0] != before).any(axis=1)
    assert 10 <= moved.sum() <= 13


def test_another_seed_trains_another_model() -> None:
    """Negatives and the order of examples follow from the seed."""
    one, two = model(), model()
    train(one)
    train(two, replace(SETTINGS, seed=2))
    assert neumf.weights_hash(one) != neumf.weights_hash(two)


def test_a_step_agrees_with_tensorflow_and_keras() -> None:
    """GMF on one user and two items, where the negative is certain, takes two epochs of one step.

    The same loss and the same penalty are differentiated by TensorFlow and stepped by Keras's Adam.
    """
    settings = replace(
        SETTINGS, epochs=2, negatives_per_positive=1, batch_size=2, learning_rate=0.1, l2=0.3
    )
    trained, stock = (neumf.build_gmf(1, 2, 3, 1) for _ in range(2))
    for each in (trained, stock):
        each.set_weights([100 * w for w in each.get_weights()])
    train(trained, settings, one_pair(1, 2))
    optimizer = keras.optimizers.Adam()
    logit, variables = neumf.logits(stock), stock.trainable_variables
    optimizer.build(variables)
    pairs = {"user": tf.constant([0, 0]), "item": tf.constant([0, 1])}
    for rate in (0.1, 0.05):  # linearly to 0 at the end of two epochs
        optimizer.learning_rate = rate
        with tf.GradientTape() as tape:
            losses = tf.nn.sigmoid_cross_entropy_with_logits(
                tf.constant([1.0, 0.0]), logit(pairs)[:, 0]
            )
            embeddings = [
                tf.gather(v, pairs[side]) for v, side in zip(variables, pairs, strict=False)
            ]
            squares = sum(tf.reduce_sum(x**2) for x in embeddings)
            loss = tf.reduce_mean(losses) + 0.3 / 2 * squares / 2  # per example, of which 2
        gradients = tape.gradient(loss, variables)
        optimizer.apply([tf.convert_to_tensor(g) for g in gradients], variables)
    for own, expected in zip(trained.get_weights(), stock.get_weights(), strict=True):
        np.testing.assert_allclose(own, expected, rtol=1e-4, atol=1e-6)


def test_the_last_partial_batch_is_trained() -> None:
    """Three positives with a negative each are trained in steps of 4 and of 2 examples.

    Users 0, 1 and 2 all move by Adam's first step, which is the learning rate for every number.
    """
    small = neumf.build_gmf(3, 4, 2, 1)
    before = small.get_layer("gmf_user_embedding").get_weights()[0]
    settings = replace(SETTINGS, epochs=1, batch_size=4, negatives_per_positive=1)
    train(small, settings, InMemory(np.array([0, 1, 2]), np.array([0, 1, 2]), 3, 4))
    moved = abs(small.get_layer("gmf_user_embedding").get_weights()[0] - before)
    assert (moved > 0).all()


def test_the_first_step_of_adam_is_the_learning_rate_for_users_of_many_examples() -> None:
    """Adam's first step is rate · g / |g|, with g summed over all examples of the row.

    Each user has 25 examples in the only batch; squared one by one, as stock Keras does, the step
    would be up to sqrt(25) = 5 times as far.
    """
    trained = gmf()
    before = trained.get_weights()
    settings = replace(SETTINGS, epochs=1, batch_size=10_000)
    train(trained, settings)
    steps = [abs(a - b).max() for a, b in zip(trained.get_weights(), before, strict=True)]
    assert max(steps) == pytest.approx(settings.learning_rate, rel=0.01)


def test_users_who_are_not_in_a_step_stay_where_they_are() -> None:
    """User 1 has no positive, so no step moves that row, not even by momentum."""
    trained = neumf.build_mlp(2, 5, [4, 2], 1)
    before = trained.get_layer("mlp_user_embedding").get_weights()[0]
    train(trained, positives=one_pair(2, 5))
    after = trained.get_layer("mlp_user_embedding").get_weights()[0]
    assert (after[1] == before[1]).all()
    assert (after[0] != before[0]).all()


def test_the_loss_is_the_mean_cross_entropy_of_all_examples() -> None:
    """Near a logit of 0 each example costs ln 2 = 0.6931, in full and in partial batches."""
    settings = replace(SETTINGS, epochs=1, learning_rate=1e-9, batch_size=35)
    history = train(gmf(), settings)
    assert history[1].loss == pytest.approx(math.log(2), abs=0.001)


@pytest.mark.process
def test_the_penalty_shrinks_embeddings() -> None:
    """With a penalty far above the loss, trained embeddings end smaller than without."""
    norms = []
    for l2 in (0.0, 1.0):
        trained = gmf()
        train(trained, replace(SETTINGS, l2=l2, epochs=20))
        norms.append(np.linalg.norm(trained.get_layer("gmf_item_embedding").get_weights()[0]))
    assert norms[1] < 0.2 * norms[0]


def test_history_begins_before_training() -> None:
    """Epoch 0 has metrics but neither loss nor speed; `on_epoch` is called once for each epoch."""
    heard: list[TrainingState] = []
    history = train(model(), held_out=VALIDATION, on_epoch=heard.append)
    assert [progress.history[-1] for progress in heard] == history
    assert [epoch.epoch for epoch in history] == [0, 1, 2, 3]
    assert (history[0].loss, history[0].examples_per_second) == (None, None)
    assert all(epoch.loss and epoch.examples_per_second for epoch in history[1:])
    assert all(epoch.validation_hr_at_10 is not None for epoch in history)


def test_the_best_epoch_is_kept() -> None:
    """Random items cannot be learned, so the last epoch is not the best, and is not kept."""
    trained = model()
    settings = replace(SETTINGS, epochs=8, learning_rate=0.05)
    history = train(trained, settings, held_out=VALIDATION)
    values = [epoch.validation_ndcg_at_10 for epoch in history]
    assert ndcg_of(trained) == max(values) > values[-1]


def test_the_running_mean_of_weights_is_kept() -> None:
    """Half of each mean is the mean before, so 3 epochs weigh 1/4, 1/4, 1/2.

    There is no validation, so the last mean is kept.
    """
    trained, heard = model(), []
    train(trained, replace(SETTINGS, ema_decay=0.5), on_epoch=heard.append)
    one, two, three = (progress.optimizer.weights for progress in heard[1:])
    for variable in trained.trainable_variables:
        path = variable.path
        mean = one[path] / 4 + two[path] / 4 + three[path] / 2
        np.testing.assert_allclose(variable.numpy(), mean, rtol=1e-5, atol=1e-7)


def test_the_mean_is_what_is_validated() -> None:
    """The metrics of an epoch are those of its mean, and the best epoch's mean is kept."""
    trained = model()
    settings = replace(SETTINGS, epochs=8, learning_rate=0.05, ema_decay=0.8)
    history = train(trained, settings, held_out=VALIDATION)
    assert ndcg_of(trained) == max(epoch.validation_ndcg_at_10 for epoch in history)


@pytest.mark.process
def test_the_first_step_by_row_is_that_on_entire_embeddings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All examples are in one step, with a penalty.

    There is no momentum yet, so other rows do not move.
    """
    stepped = []
    for large in (0, 100):
        monkeypatch.setattr(EPOCH_FUNCTION, epoch_function)  # to be compiled anew
        monkeypatch.setattr("ncf_assets.ncf.training.compiled_epoch.LARGE", large)
        trained = model()
        train(trained, replace(SETTINGS, epochs=1, batch_size=10_000, l2=0.1))
        stepped.append(trained.get_weights())
    for by_row, entire in zip(*stepped, strict=True):
        np.testing.assert_allclose(by_row, entire, rtol=1e-4, atol=1e-6)


def test_the_first_of_equal_epochs_is_the_best() -> None:
    """With NDCG 0.1, 0.3, 0.3, 0.2 it is epoch 1; without validation it is the last."""
    scored = [Epoch(i, 0.5, 0.5, ndcg, 1.0, 1.0) for i, ndcg in enumerate([0.1, 0.3, 0.3, 0.2])]
    assert best_epoch(scored).epoch == 1
    assert best_epoch([Epoch(i, 0.5, None, None, 1.0, 1.0) for i in range(3)]).epoch == 2


def test_training_ends_when_patience_does() -> None:
    """Steps are too small to change a rank, so epochs 1 and 2 are not better than epoch 0."""
    settings = replace(SETTINGS, epochs=9, learning_rate=1e-12)
    assert len(train(model(), settings, held_out=VALIDATION, patience=2)) == 1 + 2


def test_without_validation_all_epochs_are_trained_and_the_last_is_kept() -> None:
    """If no user has three interactions, there is nothing to choose the epoch by."""
    trained, heard = model(), []
    history = train(trained, patience=1, on_epoch=heard.append)
    assert len(history) == 1 + 3
    assert {epoch.validation_ndcg_at_10 for epoch in history} == {None}
    last = heard[-1].optimizer.weights
    assert all((v.numpy() == last[v.path].numpy()).all() for v in trained.trainable_variables)


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_resumed_training_ends_like_one_that_went_through(after: int) -> None:
    """The state goes through plain arrays, as a file holds them.

    The weights are the same to the bit, and so are the metrics.
    """
    through, resumed, heard = model(), model(), []
    settings = replace(SETTINGS, ema_decay=0.5)
    uninterrupted = train(through, settings, held_out=VALIDATION, on_epoch=heard.append)
    kept = checkpoint.from_arrays(checkpoint.to_arrays(heard[after]))
    rest: list[TrainingState] = []
    history = train(resumed, settings, held_out=VALIDATION, on_epoch=rest.append, resume=kept)
    assert neumf.weights_hash(resumed) == neumf.weights_hash(through)
    assert [epoch.validation_ndcg_at_10 for epoch in history] == [
        epoch.validation_ndcg_at_10 for epoch in uninterrupted
    ]
    assert len(rest) == 3 - after


@pytest.mark.parametrize("part", ["history", "weights ", "first ", "second "])
def test_progress_that_lacks_a_part_is_refused(part: str) -> None:
    """A damaged file must not become a training that starts from nothing."""
    heard: list[TrainingState] = []
    train(model(), replace(SETTINGS, epochs=1), on_epoch=heard.append)
    arrays = checkpoint.to_arrays(heard[-1])
    with pytest.raises(KeyError, match=part.strip()):
        checkpoint.from_arrays({n: a for n, a in arrays.items() if not n.startswith(part)})


def test_training_on_nothing_is_refused() -> None:
    """There is no mean loss over no examples."""
    none = np.empty(0, np.int32)
    with pytest.raises(
        ValueError, match=r"one \(user, item\) pair, got none\. Give at least one\."
    ):
        train(model(), positives=InMemory(none, none, N_USERS, N_ITEMS))


def test_a_diverging_loss_names_epoch_step_and_remedy() -> None:
    """A learning rate of 1e30 leaves no finite number."""
    settings = replace(SETTINGS, learning_rate=1e30)
    with pytest.raises(
        FloatingPointError,
        match=r"in step \d+ of 25 of epoch 1 the loss is .*\. Lower learning_rate",
    ):
        train(model(), settings, held_out=VALIDATION)


def test_weights_that_break_in_the_last_step_are_not_kept() -> None:
    """One batch: the loss before the step is finite, the weights after it are not."""
    settings = replace(SETTINGS, learning_rate=3e38, batch_size=10_000)
    steep = gmf()  # all logits are near 0, and the slopes of item embeddings are of 10,000s
    for side, size, value in (("user", N_USERS, 1e6), ("item", N_ITEMS, 0.0)):
        steep.get_layer(f"gmf_{side}_embedding").set_weights([np.full((size, 4), value)])
    with pytest.raises(FloatingPointError, match="after epoch 1 there are weights that are not"):
        train(steep, settings)


@pytest.mark.parametrize(
    ("n_examples", "n_items", "expected"),
    [
        (1_000, 10, 256),  # the least
        (4_970_845, 3_706, 19_417),  # a 256th: MovieLens-1M
        (7_250_000, 20_000, 40_000),  # twice the items
        (7_250_000, 50_052, 56_640),  # a 128th: Movies_and_TV
        (100_000_000, 50_052, 65_536),  # the most
    ],
)
def test_a_step_suits_the_data(n_examples: int, n_items: int, expected: int) -> None:
    """The sizes follow the rule of `default_batch_size`, worked by hand."""
    assert default_batch_size(n_examples, n_items) == expected


@pytest.mark.process
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="Linux names a process' threads")
@pytest.mark.parametrize("n", [1, 3])
def test_the_number_of_threads_is_what_the_environment_says(n: int) -> None:
    """XLA computes with as many threads as TF_NUM_INTRAOP_THREADS says."""
    program = (
        "from pathlib import Path\n"
        "from ncf_assets_tests.ncf.training.test_loop import model, train\n"
        "train(model())\n"
        "names = [file.read_text() for file in Path('/proc/self/task').glob('*/comm')]\n"
        "print(sum('XLAEigen' in name for name in names))\n"
    )
    environment = os.environ | {"TF_NUM_INTRAOP_THREADS": str(n)}
    call = ["python", "-c", program]
    with forking.start(call, trains=True, env=environment, stdout=subprocess.PIPE) as process:
        assert process.communicate()[0].split() == [str(n)]


def test_progress_says_what_is_known() -> None:
    """Epoch 0 has no loss and no time left; 17 epochs of 1.26 s are 21 s."""
    before = Epoch(0, None, None, None, 0.5, None)
    third = Epoch(3, 0.312, 0.5, 0.25, 1.26, 520_000.4)
    assert describe([before, third], 20) == (
        "epoch 3 of 20: loss 0.3120, NDCG@10 0.2500, 1.3 s, 21 s left"
    )
    assert describe([before], 20) == "epoch 0 of 20: 0.5 s"


@pytest.mark.process
@pytest.mark.parametrize("size", [(1, 2), (2, 3)])
def test_the_smallest_data_are_trained(size: tuple[int, int]) -> None:
    """One user has one item of two, and the embeddings are wider than the data."""
    trained = neumf.build_neumf(*size, 16, [16, 8], 1)
    history = train(trained, positives=one_pair(*size))
    assert all(later.loss < earlier.loss for earlier, later in pairwise(history[1:]))


def two_tastes() -> tuple[np.ndarray, np.ndarray]:
    """Draw items [200, 10] of 200 users: even ones like items 0 … 29, odd ones 30 … 59."""
    generator = np.random.default_rng(2)
    rows = [30 * (user % 2) + generator.choice(30, 10, replace=False) for user in range(200)]
    return np.arange(200), np.array(rows)


@pytest.mark.process
def test_neumf_learns_whose_taste_is_whose() -> None:
    """All items are about equally popular, so popularity cannot distinguish the tastes.

    Of 30 negatives about 12 are of the user's own taste. A model that knows only the taste has the
    held-out item among the first 10 with chance 10/13 = 0.77; one that does not, with 10/31 = 0.32.
    """
    users, rows = two_tastes()
    test, held_out, train_items = rows[:, 0], rows[:, 1], rows[:, 2:]
    seen = InteractionSet(np.repeat(users, 10), rows.ravel(), 60)
    negatives = unseen_items(user_keys([str(user) for user in users]), users, seen, 30, 1)
    lists = np.column_stack([test, negatives])
    known = np.repeat(users, 9), rows[:, 1:].ravel()
    validated = Validation(users, held_out, InteractionSet(*known, 60))
    positives = InMemory(np.repeat(users, 8), train_items.ravel(), 200, 60)
    trained = neumf.build_neumf(200, 60, 4, [16, 8], 1)
    train(trained, replace(SETTINGS, epochs=30, learning_rate=0.01), positives, validated, 8)
    popularity = np.bincount(train_items.ravel(), minlength=60)

    def hit_ratio(scorer: ranking.BlockScorer) -> float:
        scores = np.take_along_axis(scorer(users), lists, axis=1)
        return float(rank_gains.expected_hits(*ranking.count_better_and_tied(scores), 10).mean())

    assert hit_ratio(ranking.same_for_all(popularity)) < 0.45
    assert hit_ratio(block_scorer(trained)) > 0.65
