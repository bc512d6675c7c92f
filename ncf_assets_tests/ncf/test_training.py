"""Training learns, repeats itself to the bit, keeps its best epoch, and says when it fails."""

import math
from dataclasses import replace

import keras
import numpy as np
import pytest

from ncf_assets.ncf import metrics, neumf, ranking
from ncf_assets.ncf.sampling import unseen_items, user_keys
from ncf_assets.ncf.training import BestWeights, Epoch, TrainingSettings, describe, train

N_USERS, N_ITEMS = 60, 40
SETTINGS = TrainingSettings(
    epochs=3,
    batch_size=64,
    learning_rate=0.01,
    negatives_per_positive=4,
    optimizer="adam",
    patience=10,
    seed=1,
)
NOBODY = np.empty(0, np.int32), np.empty((0, 21), np.int32)


def interactions() -> tuple[np.ndarray, np.ndarray]:
    """Five different items for each of 60 users, at random."""
    generator = np.random.default_rng(0)
    items = [generator.choice(N_ITEMS, 5, replace=False) for _ in range(N_USERS)]
    return np.repeat(np.arange(N_USERS), 5), np.concatenate(items)


def validation() -> tuple[np.ndarray, np.ndarray]:
    """A list of 21 random items for each user."""
    generator = np.random.default_rng(1)
    lists = [generator.choice(N_ITEMS, 21, replace=False) for _ in range(N_USERS)]
    return np.arange(N_USERS), np.array(lists)


def model() -> keras.Model:
    """A small NeuMF for them."""
    return neumf.build_neumf(N_USERS, N_ITEMS, 4, [8, 4], 1)


def ndcg_of(trained: keras.Model) -> float:
    """NDCG@10 on the validation lists."""
    scores = ranking.score(neumf.scorer(trained), *validation())
    return float(metrics.ndcg(*ranking.count_better_and_tied(scores), 10).mean())


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_equal_seeds_give_equal_weights(optimizer) -> None:
    """Bit for bit, also where 20,000 rows of a batch fall on 40 items and threads could race."""
    settings = replace(
        SETTINGS, epochs=1, batch_size=20_000, learning_rate=0.5, optimizer=optimizer
    )
    users, items = (np.tile(column, 40) for column in interactions())
    hashes = set()
    for _ in range(3):
        trained = model()
        train(trained, users, items, *NOBODY, settings)
        hashes.add(neumf.weights_hash(trained))
    assert len(hashes) == 1


def test_each_epoch_has_negatives_of_its_own() -> None:
    """One positive and 4 negatives an epoch, of 1,000 items: SGD moves the items that it meets.

    After 3 epochs that is up to 1 + 3 · 4 = 13 items, and were the negatives kept, up to 5.
    """
    trained = neumf.build_gmf(1, 1_000, 2, 1)
    before = trained.get_layer("gmf_item_embedding").get_weights()[0]
    settings = replace(SETTINGS, optimizer="sgd", learning_rate=1.0)
    train(trained, np.array([0]), np.array([0]), *NOBODY, settings)
    moved = (trained.get_layer("gmf_item_embedding").get_weights()[0] != before).any(axis=1)
    assert 10 <= moved.sum() <= 13


def test_another_seed_trains_another_model() -> None:
    """Negatives and order of examples follow from the seed."""
    one, two = model(), model()
    train(one, *interactions(), *NOBODY, SETTINGS)
    train(two, *interactions(), *NOBODY, replace(SETTINGS, seed=2))
    assert neumf.weights_hash(one) != neumf.weights_hash(two)


def test_the_last_partial_batch_is_trained() -> None:
    """Labels 1, 1, 0, 0 in batches of 3 and 1: with logits near 0 the bias has to turn round.

    The first batch has two labels of one kind: ± 0.1 · (2/3 - 1/3) / 2 = ± 0.0167. The last
    example is of the other kind: ∓ 0.1 · sigmoid(0.0167) = ∓ 0.0504. Together 0.0337 in size.
    """
    small = neumf.build_gmf(2, 4, 2, 1)
    settings = replace(
        SETTINGS,
        epochs=1,
        batch_size=3,
        learning_rate=0.1,
        negatives_per_positive=1,
        optimizer="sgd",
    )
    train(small, np.array([0, 1]), np.array([0, 1]), *NOBODY, settings)
    assert abs(float(small.get_layer("logit").bias[0])) == pytest.approx(0.0337, abs=0.0005)


def test_the_first_step_of_adam_is_the_learning_rate_for_users_of_many_examples() -> None:
    """Adam's first step is rate · g / |g|, with g summed over all examples of the row.

    Each user has 25 examples in the only batch. Stock Keras squares them one by one, and would
    step up to sqrt(25) = 5 times as far.
    """
    trained = model()
    before = trained.get_weights()
    settings = replace(SETTINGS, epochs=1, batch_size=10_000)
    train(trained, *interactions(), *NOBODY, settings)
    steps = [abs(a - b).max() for a, b in zip(trained.get_weights(), before, strict=True)]
    assert max(steps) == pytest.approx(settings.learning_rate, rel=0.01)


def test_one_step_of_sgd_by_hand() -> None:
    """GMF of one factor, one user, two items; user embedding 1, item embeddings 2 and 3, h = 1.

    The positive has logit 2, the only possible negative logit 3. With both in one batch the loss is
    (log(1 + e⁻²) + log(1 + e³)) / 2 and its derivative by h is ((σ(2) - 1) · 2 + σ(3) · 3) / 2.
    """
    gmf = neumf.build_gmf(1, 2, 1, 1)
    gmf.get_layer("gmf_user_embedding").set_weights([np.array([[1.0]])])
    gmf.get_layer("gmf_item_embedding").set_weights([np.array([[2.0], [3.0]])])
    gmf.get_layer("logit").set_weights([np.array([[1.0]]), np.array([0.0])])
    step = replace(SETTINGS, epochs=1, negatives_per_positive=1, optimizer="sgd", learning_rate=0.1)
    history = train(gmf, np.array([0]), np.array([0]), *NOBODY, step)
    loss = (math.log(1 + math.exp(-2)) + math.log(1 + math.exp(3))) / 2
    assert history[1].loss == pytest.approx(loss, rel=1e-5)
    positive, negative = (1 / (1 + math.exp(-x)) for x in (2, 3))
    kernel, bias = gmf.get_layer("logit").get_weights()
    slope = ((positive - 1) * 2 + negative * 3) / 2
    assert kernel[0, 0] == pytest.approx(1 - 0.1 * slope, rel=1e-5)
    assert bias[0] == pytest.approx(-0.1 * (positive - 1 + negative) / 2, rel=1e-4)


def test_the_loss_is_the_mean_cross_entropy_of_all_examples() -> None:
    """Near a logit of 0 each example costs ln 2 = 0.6931, in full and in partial batches."""
    settings = replace(SETTINGS, epochs=1, learning_rate=1e-9, batch_size=7)
    history = train(model(), *interactions(), *NOBODY, settings)
    assert history[1].loss == pytest.approx(0.6931, abs=0.001)


def test_history_begins_before_training() -> None:
    """Epoch 0 has metrics but neither loss nor speed; progress hears of each epoch once."""
    heard: list[Epoch] = []
    history = train(model(), *interactions(), *validation(), SETTINGS, heard.append)
    assert heard == history
    assert [epoch.epoch for epoch in history] == [0, 1, 2, 3]
    assert (history[0].loss, history[0].examples_per_second) == (None, None)
    assert all(epoch.loss and epoch.examples_per_second for epoch in history[1:])
    assert all(epoch.validation_hr_at_10 is not None for epoch in history)


def test_the_best_epoch_is_kept() -> None:
    """Random lists cannot be learned, so the last epoch is not the best one, and not kept."""
    trained = model()
    settings = replace(SETTINGS, epochs=8, learning_rate=0.05)
    history = train(trained, *interactions(), *validation(), settings)
    values = [epoch.validation_ndcg_at_10 for epoch in history]
    assert ndcg_of(trained) == max(values) > values[-1]


def test_the_first_of_equal_epochs_is_the_best() -> None:
    """NDCG 0.1, 0.3, 0.3, 0.2: epoch 1, with its weights."""
    trained = neumf.build_gmf(1, 1, 1, 0)
    best = BestWeights(trained)
    for number, ndcg in enumerate([0.1, 0.3, 0.3, 0.2]):
        trained.get_layer("logit").bias.assign([float(number)])
        best.consider(Epoch(number, 0.5, 0.5, ndcg, 1.0, 1.0))
    best.restore()
    assert best.epoch == 1
    assert float(trained.get_layer("logit").bias[0]) == 1.0


def test_training_ends_when_patience_does() -> None:
    """Steps too small to change a rank: epochs 1 and 2 are not better than epoch 0."""
    settings = replace(SETTINGS, epochs=9, learning_rate=1e-12, patience=2)
    history = train(model(), *interactions(), *validation(), settings)
    assert len(history) == 1 + 2


def test_without_validation_all_epochs_are_trained_and_the_last_is_kept() -> None:
    """No user may have three interactions; then there is nothing to choose by."""
    trained, longer = model(), model()
    history = train(trained, *interactions(), *NOBODY, replace(SETTINGS, patience=1))
    train(longer, *interactions(), *NOBODY, replace(SETTINGS, epochs=4))
    assert len(history) == 1 + 3
    assert {epoch.validation_ndcg_at_10 for epoch in history} == {None}
    assert neumf.weights_hash(trained) not in {
        neumf.weights_hash(model()),
        neumf.weights_hash(longer),
    }


def test_training_on_nothing_is_refused() -> None:
    """There is no mean loss over no examples."""
    none = np.empty(0, np.int32)
    with pytest.raises(ValueError, match="at least one pair of user and item, found none"):
        train(model(), none, none, *NOBODY, SETTINGS)


def test_a_diverging_loss_names_epoch_and_remedy() -> None:
    """A learning rate of 1e30 leaves no number standing."""
    settings = replace(SETTINGS, learning_rate=1e30, optimizer="sgd")
    with pytest.raises(
        FloatingPointError, match=r"after epoch 1 the loss is .*; lower learning_rate"
    ):
        train(model(), *interactions(), *validation(), settings)


def test_weights_that_break_in_the_last_step_are_not_kept() -> None:
    """One batch: the loss before the step is finite, the weights after it are not."""
    settings = replace(SETTINGS, learning_rate=3e38, optimizer="sgd", batch_size=10_000)
    scaled = model()
    scaled.set_weights([100 * weight for weight in scaled.get_weights()])
    with pytest.raises(FloatingPointError, match="after epoch 1 weights that are not finite: "):
        train(scaled, *interactions(), *NOBODY, settings)


def test_progress_says_what_is_known() -> None:
    """Epoch 0 has no loss and no speed."""
    assert (
        describe(Epoch(3, 0.312, 0.5, 0.25, 1.26, 520_000.4), 20)
        == "epoch 3 of 20: loss 0.3120, validation HR@10 0.5000, validation NDCG@10 0.2500,"
        " 1.3 s, 520,000 examples/s"
    )
    assert describe(Epoch(0, None, None, None, 0.5, None), 20) == "epoch 0 of 20: 0.5 s"


def two_tastes() -> tuple[np.ndarray, np.ndarray]:
    """Items [200, 10] of 200 users: the even ones like items 0 … 29, the odd ones 30 … 59."""
    generator = np.random.default_rng(2)
    rows = [30 * (user % 2) + generator.choice(30, 10, replace=False) for user in range(200)]
    return np.arange(200), np.array(rows)


@pytest.mark.parametrize("pretrained", [False, True])
def test_neumf_learns_whose_taste_is_whose(pretrained: bool) -> None:
    """All items are about equally popular, so popularity cannot tell the tastes apart.

    Of 30 negatives about 12 are of the user's own taste: who knows the taste and nothing else has
    the held-out item among the first 10 with chance 10/13 = 0.77; who does not, 10/31 = 0.32.
    """
    users, rows = two_tastes()
    test, held_out, train_items = rows[:, 0], rows[:, 1], rows[:, 2:]
    keys = user_keys([str(user) for user in users])
    seen = np.repeat(users, 10), rows.ravel()
    lists = {
        split: np.column_stack([items, unseen_items(keys, users, *seen, 60, 30, 1, split)])
        for split, items in (("test", test), ("validation", held_out))
    }
    positives = np.repeat(users, 8), train_items.ravel()
    settings = replace(SETTINGS, epochs=30, learning_rate=0.01, patience=8)

    def fit(untrained: keras.Model) -> keras.Model:
        train(untrained, *positives, users, lists["validation"], settings)
        return untrained

    trained = neumf.build_neumf(200, 60, 4, [16, 8], 1)
    if pretrained:
        halves = neumf.build_gmf(200, 60, 4, 1), neumf.build_mlp(200, 60, [16, 8], 1)
        neumf.initialise_from(trained, *(fit(half) for half in halves), 0.5)
    popularity = np.bincount(positives[1], minlength=60)

    def hit_ratio(scorer: ranking.Scorer) -> float:
        scores = ranking.score(scorer, users, lists["test"])
        return float(metrics.hit_ratio(*ranking.count_better_and_tied(scores), 10).mean())

    assert hit_ratio(lambda _, items: popularity[items]) < 0.45
    assert hit_ratio(neumf.scorer(fit(trained))) > 0.65
