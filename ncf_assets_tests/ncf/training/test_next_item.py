"""NeuMF learns the next item: its loss, its gradients and its Keras weights, written out."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import keras
import numpy as np
import pytest
import tensorflow as tf

from ncf_assets.ncf.evaluation.neumf_scorer import block_scorer
from ncf_assets.ncf.evaluation.validation import Validation, nothing_held_out
from ncf_assets.ncf.interaction_set import InteractionSet
from ncf_assets.ncf.interactions import Interactions
from ncf_assets.ncf.models import ials, neumf
from ncf_assets.ncf.models.ials import Factors, IalsSettings
from ncf_assets.ncf.random_streams import integer_seed, rng
from ncf_assets.ncf.training import checkpoint, loop, next_item
from ncf_assets.ncf.training.epochs import Epoch
from ncf_assets.ncf.training.loop import TrainingState
from ncf_assets.ncf.training.next_item import NextItem, NextItemSettings
from ncf_assets.ncf.training.optimizer_state import OptimizerState

# user 0 has items 0, 1, 2, 4, 3 in order, user 1 item 3 alone, user 2 nothing, user 3 the rest
HISTORIES = [[0, 1, 2, 4, 3], [3], [], [2, 0, 4, 1]]
N_USERS, N_ITEMS, WIDTH, LAYERS = 4, 5, 2, [4, 3, 2]
SETTINGS = NextItemSettings(
    epochs=2,
    batch_size=7,
    learning_rate=0.01,
    negatives=8,
    history_length=3,
    factorization_scale=10.0,
    ema_decay=0.9,
    seed=1,
)


def known(histories: list[list[int]], n_items: int = N_ITEMS) -> Interactions:
    """Return the interactions of users with these histories."""
    users = np.repeat(np.arange(len(histories)), [len(items) for items in histories])
    return Interactions.of(users, np.concatenate(histories).astype(int), len(histories), n_items)


KNOWN = known(HISTORIES)
FACTORS = Factors(
    *(np.random.default_rng(5).normal(0, 0.3, (n, 3)).astype(np.float32) for n in (4, 5))
)


def objective(settings: NextItemSettings = SETTINGS) -> NextItem:
    """Return the objective on the histories above."""
    return NextItem(KNOWN, FACTORS, WIDTH, settings)


def model() -> keras.Model:
    """Build the NeuMF for it."""
    return neumf.build_neumf(N_USERS, N_ITEMS, NextItem.columns(FACTORS, WIDTH), LAYERS, 1)


def ordinary_weights() -> dict[str, np.ndarray]:
    """Return weights of ordinary size, in the shapes that the objective trains."""
    generator = np.random.default_rng(3)
    start = objective().start(model())
    return {
        name: generator.normal(0, 0.5, weight.shape).astype(np.float32)
        for name, weight in start.items()
    }


def learnt_logit(weights: Mapping[str, np.ndarray], history: list[int], item: int) -> float:
    """Return the logit of an item after a history, without the factorization: plain sums."""
    latest = history[: -1 - len(weights["age"]) : -1]  # the last one first
    gmf, mlp = (
        sum(
            (
                a * weights[f"{half}_history"][i]
                for a, i in zip(weights["age"], latest, strict=False)
            ),
            np.zeros(weights[f"{half}_history"].shape[1]),
        )
        for half in ("gmf", "mlp")
    )
    hidden = np.concatenate([mlp, weights["mlp_item"][item]])
    for layer in (1, 2):
        kernel, bias = (weights[f"mlp_hidden_{layer}/{part}"] for part in ("kernel", "bias"))
        hidden = np.maximum(hidden @ kernel + bias, 0)
    return float(
        gmf @ weights["gmf_item"][item]
        + weights["item_bias"][item]
        + hidden @ weights["mlp_output"]
    )


def popularity_share() -> np.ndarray:
    """Return the chance of each item to be drawn: its popularity to the power of 0.75."""
    items = [item for items in HISTORIES for item in items]
    raised = np.array([items.count(item) ** 0.75 for item in range(N_ITEMS)])
    return raised / raised.sum()


def loss(weights: Mapping[str, np.ndarray], example: tuple[int, int], drawn: np.ndarray) -> float:
    """Return the loss of (user, position): a softmax with corrected logits, example by example."""
    user, position = example
    history, target = HISTORIES[user][:position], HISTORIES[user][position]
    expected = np.log(8 * popularity_share())  # how often an item is among 8 negatives

    def corrected(item: int) -> float:
        return learnt_logit(weights, history, item) - expected[item]

    others = [corrected(item) for item in drawn if item != target]
    return float(np.log(sum(np.exp([corrected(target), *others]))) - corrected(target))


@cache
def drawn(step: int) -> np.ndarray:
    """Return the negatives of a step: uniform numbers among the items' cumulated shares."""

    @tf.function(jit_compile=True)
    def uniform(seeds: tf.Tensor) -> tf.Tensor:
        return tf.random.stateless_uniform([8], seeds)

    seed = integer_seed(1, "next item negatives")
    numbers = uniform(tf.constant([seed, step])).numpy()
    return np.searchsorted(np.cumsum(popularity_share()), numbers, side="right")


EXAMPLES = [(0, 1), (0, 2), (0, 3), (0, 4), (3, 1), (3, 2), (3, 3)]  # user and position
POSITIONS = [1, 2, 3, 4, 7, 8, 9]  # of the same among all interactions, of which there are 10


def one_epoch(settings: NextItemSettings) -> tuple[OptimizerState, float, int]:
    """Return what the first epoch from ordinary weights gives."""
    state = OptimizerState.start(ordinary_weights())
    return objective(settings).epoch(state, 1)


def test_loss_and_gradients_are_those_of_plain_sums() -> None:
    """All seven examples are one step; after it Adam's first moment is a tenth of the gradient.

    The gradient is compared with differences of the loss in float64.
    """
    state, found, n = one_epoch(SETTINGS)
    weights = {name: w.astype(np.float64) for name, w in ordinary_weights().items()}

    def mean_loss() -> float:
        return float(np.mean([loss(weights, example, drawn(0)) for example in EXAMPLES]))

    assert n == 7
    assert found == pytest.approx(mean_loss(), rel=1e-5)
    assert len({*drawn(0)} & {HISTORIES[0][4], HISTORIES[3][3]}) > 0  # a target is drawn as well
    for name, weight in weights.items():
        gradient = np.zeros_like(weight)
        for at in np.ndindex(weight.shape):
            before, ends = weight[at], []
            for step in (1e-6, -1e-6):
                weight[at] = before + step
                ends.append(mean_loss())
            weight[at] = before
            gradient[at] = (ends[0] - ends[1]) / 2e-6
        np.testing.assert_allclose(
            state.first[name].numpy() / 0.1, gradient, rtol=1e-3, atol=1e-5, err_msg=name
        )


def test_the_loss_is_the_mean_of_all_examples_without_padding() -> None:
    """Seven examples are a step of three and one of four; a repeated example is not counted.

    The learning rate is too small to change anything between the steps.
    """
    _, found, n = one_epoch(replace(SETTINGS, batch_size=3, learning_rate=1e-12))
    order = rng(1, "next item epoch 1").permutation(POSITIONS)
    examples = [EXAMPLES[POSITIONS.index(position)] for position in order]
    steps = [0, 0, 0, 1, 1, 1, 1]
    losses = [
        loss(ordinary_weights(), example, drawn(step))
        for example, step in zip(examples, steps, strict=True)
    ]
    assert n == 7
    assert found == pytest.approx(np.mean(losses), rel=1e-5)


def test_the_more_examples_the_fewer_negatives_without_a_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Seven examples may have 62 pairs with 8 negatives; a low limit leaves one negative."""
    for most_pairs, negatives in ((6, 1), (62, 8)):
        monkeypatch.setattr(next_item, "MOST_PAIRS", most_pairs)
        without = one_epoch(replace(SETTINGS, negatives=None))
        assert without[1] == one_epoch(replace(SETTINGS, negatives=negatives))[1]


@pytest.mark.parametrize("n_items", [2**12, 2**21])
def test_the_parts_of_items_are_as_large_as_their_shares(n_items: int) -> None:
    """In float32 those of the second half of two million equal shares would be off by an eighth."""
    parts = np.diff(next_item.cumulated(np.full(n_items, 1 / n_items)))
    np.testing.assert_allclose(parts * n_items, 1, rtol=1e-3)


def test_a_step_moves_by_the_learning_rate_and_the_mean_by_its_share() -> None:
    """Adam's first step is 0.01 for every number with a gradient; the mean takes a tenth of it.

    Gradients that are not far above Adam's epsilon of 1e-7 step less far.
    """
    before = ordinary_weights()
    state, *_ = one_epoch(SETTINGS)
    for name, weight in before.items():
        step = state.weights[name].numpy() - weight
        gradient = abs(state.first[name].numpy() / 0.1)
        np.testing.assert_allclose(abs(step[gradient > 1e-3]), 0.01, rtol=0.01, err_msg=name)
        assert not step[gradient == 0].any()
        np.testing.assert_allclose(state.averaged[name].numpy() - weight, step / 10, atol=1e-6)


def test_an_embedding_of_a_user_is_the_weighed_sum_of_the_last_items() -> None:
    """User 0's last three are 3, 4, 2, of ages 0, 1, 2; user 1 has 3 alone; user 2 has nothing."""
    weights = ordinary_weights() | {"age": np.array([1.0, 0.5, 0.25], np.float32)}
    written = objective().model_weights(weights)
    for half, columns in (("gmf", slice(3, 5)), ("mlp", slice(None))):
        items = weights[f"{half}_history"]
        users = written[f"{half}_user_embedding/embeddings"][:, columns]
        np.testing.assert_allclose(users[0], items[3] + items[4] / 2 + items[2] / 4, rtol=1e-5)
        np.testing.assert_allclose(users[1], items[3], rtol=1e-6)
        assert not users[2].any()


def test_the_model_adds_the_factorization_ten_times_and_the_bias() -> None:
    """GMF's half is [factorization | history | bias], under a kernel of ones."""
    written = objective().model_weights(ordinary_weights())
    users, items = (written[f"gmf_{side}_embedding/embeddings"] for side in ("user", "item"))
    assert (users[:, :3] == 10 * FACTORS.users).all()
    assert (items[:, :3] == FACTORS.items).all()
    assert (users[:, -1] == 1).all()
    assert (items[:, -1] == ordinary_weights()["item_bias"]).all()
    assert (written["logit/kernel"][:6] == 1).all()
    assert written["logit/bias"].tolist() == [0]


def test_keras_scores_as_training_does() -> None:
    """A trained model's logits, pair by pair, are those of the sums over complete histories.

    So are those of the block scorer, by which it is ranked.
    """
    trained, heard = model(), []
    loop.train(trained, objective(), nothing_held_out(N_ITEMS), 2, 9, heard.append)
    weights = {name: w.numpy() for name, w in heard[-1].optimizer.averaged.items()}
    expected = [
        [
            learnt_logit(weights, HISTORIES[user], item)
            + 10 * FACTORS.users[user] @ FACTORS.items[item]
            for item in range(N_ITEMS)
        ]
        for user in range(N_USERS)
    ]
    users, items = np.divmod(np.arange(N_USERS * N_ITEMS, dtype=np.int32), np.int32(N_ITEMS))
    of_pairs = neumf.scorer(trained)(users, items).reshape(N_USERS, N_ITEMS)
    np.testing.assert_allclose(of_pairs, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        block_scorer(trained)(np.arange(N_USERS)), expected, rtol=1e-4, atol=1e-5
    )


def test_fresh_weights_hardly_change_what_the_factorization_says() -> None:
    """Before training, logits are ten times the factorization's scores, to within 0.1."""
    fresh = model()
    written = objective().model_weights(objective().start(fresh))
    for variable in fresh.trainable_variables:
        variable.assign(written[variable.path])
    expected = 10 * FACTORS.users @ FACTORS.items.T
    np.testing.assert_allclose(block_scorer(fresh)(np.arange(N_USERS)), expected, atol=0.1)


VALIDATION = Validation(
    np.array([0, 1], np.int32),
    np.array([3, 3], np.int32),
    InteractionSet(np.array([0, 1]), np.array([3, 3]), N_ITEMS),
)


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_resumed_training_ends_like_one_that_went_through(after: int) -> None:
    """The state goes through plain arrays; the weights are the same to the bit."""
    settings, heard = replace(SETTINGS, epochs=3), []
    through, resumed = model(), model()
    uninterrupted = loop.train(through, objective(settings), VALIDATION, 3, 9, heard.append)
    kept = checkpoint.from_arrays(checkpoint.to_arrays(heard[after]))
    rest: list[TrainingState] = []
    history = loop.train(resumed, objective(settings), VALIDATION, 3, 9, rest.append, kept)
    assert neumf.weights_hash(resumed) == neumf.weights_hash(through)
    assert figures(history) == figures(uninterrupted)
    assert len(rest) == 3 - after


def test_equal_seeds_give_equal_weights() -> None:
    """They are equal to the bit; another seed gives other weights."""
    hashes = []
    for seed in (1, 1, 2):
        trained = model()
        loop.train(
            trained, objective(replace(SETTINGS, seed=seed)), nothing_held_out(N_ITEMS), 1, 9
        )
        hashes.append(neumf.weights_hash(trained))
    assert hashes[0] == hashes[1] != hashes[2]


def test_without_a_second_item_there_is_nothing_to_learn() -> None:
    """Three users have one item each: epoch 1 has no example and is no better than epoch 0."""
    alone = NextItem(known([[0], [3], [1], []]), FACTORS, WIDTH, SETTINGS)
    trained, heard = model(), []
    history = loop.train(trained, alone, VALIDATION, 2, 1, heard.append)
    assert [(epoch.epoch, epoch.loss) for epoch in history] == [(0, None), (1, 0.0)]
    start = alone.model_weights(alone.start(model()))
    for variable in trained.trainable_variables:
        np.testing.assert_array_equal(variable.numpy(), start[variable.path])


def test_a_diverging_loss_names_epoch_and_remedy() -> None:
    """A learning rate of 1e30 leaves no finite weights after epoch 2, of one step."""
    steep = objective(replace(SETTINGS, learning_rate=1e30))
    with pytest.raises(
        FloatingPointError, match=r"in step 1 of 1 of epoch 2 the loss is .*\. Lower learning_rate"
    ):
        loop.train(model(), steep, nothing_held_out(N_ITEMS), 2, 9)


def figures(history: list[Epoch]) -> list[tuple[float | None, float | None]]:
    """Return what does not tell times."""
    return [(epoch.loss, epoch.validation_ndcg_at_10) for epoch in history]


@pytest.mark.process
def test_the_order_of_items_is_learnt_which_the_factorization_does_not_see() -> None:
    """Histories are six items in a row of a circle of 30; the next one is held out.

    To iALS the item after the last is as near as the one before the first, so about half of the
    users have the wrong one ahead. NeuMF has the right one ahead, and on top, for nearly all.
    """
    generator = np.random.default_rng(6)
    begins = generator.integers(0, 30, 120)
    data = known([[(begin + i) % 30 for i in range(6)] for begin in begins], 30)
    after, before = (begins + 6) % 30, (begins - 1) % 30
    factors = ials.fit(data, IalsSettings(8, 8, 1.0, 0.05, half_life=0, seed=1))
    settings = replace(
        SETTINGS, epochs=15, batch_size=64, learning_rate=0.02, negatives=32, history_length=6
    )
    trained = neumf.build_neumf(120, 30, NextItem.columns(factors, 8), [8, 4], 1)
    loop.train(trained, NextItem(data, factors, 8, settings), nothing_held_out(30), 15, 15)
    users = np.arange(120, dtype=np.int32)
    of_ials, of_neumf = factors.scores(users), block_scorer(trained)(users)
    right = [
        (scores[users, after] > scores[users, before]).mean() for scores in (of_ials, of_neumf)
    ]
    assert right[0] < 0.75
    assert right[1] > 0.95
    of_neumf[np.repeat(users, 6), data.items] = -np.inf
    assert (of_neumf.argmax(axis=1) == after).mean() > 0.9
