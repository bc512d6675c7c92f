"""The tables of figures: which rows they hold, and that each is what it says."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncf_assets.ncf import chance, metrics
from ncf_assets.ncf.evaluation import Comparison, Metric, summarise
from ncf_assets.ncf.figures import Figures, Ranks, corrected_figures, figures
from ncf_assets.ncf.ranking import HeldOutRanks, sweep
from ncf_assets.ncf.sampling import Seen

pairs = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=2, max_size=20
)  # better and tied


def ranks(*models: list[tuple[int, int]], n_candidates: int = 100) -> Ranks:
    """Ranks of each model's users, given as (better, tied)."""
    both = np.array(models).transpose(2, 1, 0)  # [2, users, models]
    return Ranks(np.full(both.shape[1], n_candidates), *both)


def summary(found: Figures, models: tuple[str, ...] = ("neumf",)) -> dict[tuple[str, int], Metric]:
    """The figures of the first model over all users, by metric and k."""
    everyone = {"all": np.ones(len(found.values), bool)}
    rows, _ = summarise(models, {"sampled-99": found}.items(), everyone, models[0], 1)
    return {(row.metric, row.k): row for row in rows if row.model == models[0]}


def test_one_user_by_hand() -> None:
    """At rank 10 or 11: half a hit at 10, a sure one at 20; of 99 others 89 beaten and 1 equal."""
    values = {name: row.value for name, row in summary(figures(ranks([(9, 1)]), [10, 20])).items()}
    tenth, eleventh = 1 / math.log2(11), 1 / math.log2(12)
    assert values == pytest.approx(
        {
            ("hr", 10): 0.5,
            ("hr", 20): 1,
            ("recall", 10): 0.5,
            ("recall", 20): 1,
            ("ndcg", 10): tenth / 2,
            ("ndcg", 20): (tenth + eleventh) / 2,
            ("mrr", 10): 1 / 20,
            ("mrr", 20): (1 / 10 + 1 / 11) / 2,
            ("hr_optimistic", 10): 1,
            ("hr_optimistic", 20): 1,
            ("hr_pessimistic", 10): 0,
            ("hr_pessimistic", 20): 1,
            ("ndcg_optimistic", 10): tenth,
            ("ndcg_optimistic", 20): tenth,
            ("ndcg_pessimistic", 10): 0,
            ("ndcg_pessimistic", 20): eleventh,
            ("auc", 0): 89.5 / 99,
        }
    )


def test_a_figure_is_the_mean_over_users() -> None:
    """Ranks 1 and 11: HR@10 is 1 / 2, from two users."""
    row = summary(figures(ranks([(0, 0), (10, 0)]), [10]))["hr", 10]
    assert (row.value, row.n_users, row.segment) == (0.5, 2, "all")
    assert row.ci_low <= 0.5 <= row.ci_high


def test_a_segment_is_the_mean_over_its_users() -> None:
    """The second user alone, at rank 11."""
    found = figures(ranks([(0, 0), (10, 0)]), [10])
    members = {"all": np.array([True, True]), "cold": np.array([False, True])}
    rows, differences = summarise(["neumf"], {"full": found}.items(), members, "neumf", 1)
    (cold,) = [row for row in rows if (row.segment, row.metric) == ("cold", "hr")]
    assert (cold.value, cold.ci_low, cold.ci_high, cold.n_users) == (0, 0, 0, 1)
    assert differences == []  # there is no other model


def test_a_difference_is_paired() -> None:
    """Ranks 1, 1, 11, 11 against 1, 11, 11, 11: 2/4 - 1/4 in HR@10, from the second user alone.

    Resampled, no user ever speaks for the other model, so the interval does not go below 0.
    """
    found = figures(ranks([(0, 0), (0, 0), (10, 0), (10, 0)], [(0, 0), *[(10, 0)] * 3]), [10])
    everyone = {"all": np.ones(4, bool)}
    _, rows = summarise(["neumf", "random"], {"full": found}.items(), everyone, "neumf", 1)
    assert [(row.baseline, row.metric) for row in rows] == [("random", "hr"), ("random", "ndcg")]
    assert rows[0].difference == 0.25
    assert rows[0].ci_low == 0
    assert 0.5 <= rows[0].ci_high <= 1


def test_differences_agree_with_the_means() -> None:
    """Whatever place the subject has among the models."""
    generator = np.random.default_rng(1)
    found = Figures([("hr", 10), ("auc", 0)], generator.random((20, 3, 2)))
    everyone = {"all": np.ones(20, bool)}
    means, differences = summarise(
        ["ease", "neumf", "random"], {"full": found}.items(), everyone, "neumf", 1
    )
    hr = {row.model: row.value for row in means if row.metric == "hr"}
    assert {row.baseline: row.difference for row in differences} == pytest.approx(
        {"ease": hr["neumf"] - hr["ease"], "random": hr["neumf"] - hr["random"]}
    )


@given(pairs, st.randoms())
def test_the_order_of_users_does_not_count(found: list[tuple[int, int]], random: object) -> None:
    """The mean is over the set of users."""
    shuffled = list(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = (figures(ranks(users), [1, 10]) for users in (found, shuffled))
    np.testing.assert_allclose(one.values.mean(axis=0), other.values.mean(axis=0))


@given(pairs)
def test_ties_lie_between_lost_and_won(found: list[tuple[int, int]]) -> None:
    """Pessimistic ≤ expected ≤ optimistic, for each user."""
    made = figures(ranks(found), [1, 10])
    column = dict(zip(made.columns, made.values.transpose(2, 0, 1), strict=True))
    for name in ("hr", "ndcg"):
        for k in (1, 10):
            low, middle, high = (
                column[f"{name}{case}", k] for case in ("_pessimistic", "", "_optimistic")
            )
            assert (low <= middle + 1e-12).all()
            assert (middle <= high + 1e-12).all()


def test_corrected_figures_by_hand() -> None:
    """Lists of 3 and of 2 candidates, of which one other is sampled; each user at sampled rank 1.

    Of 3 it is worth 1.275 / 1.575, see `test_corrected`; of 2 nothing is left to correct.
    """
    sampled = ranks([(0, 0), (0, 0), (0, 1)], n_candidates=2)
    found = corrected_figures(sampled, np.array([3, 2, 3]), [1])
    assert found.columns == [("hr", 1), ("ndcg", 1), ("mrr", 1), ("recall", 1)]
    # the third is at rank 1 or 2: the mean of 1.275 and -0.225
    by_hand = np.array([1.275 / 1.575, 1, 0.525 / 1.575])
    np.testing.assert_allclose(found.values[:, 0], np.repeat(by_hand[:, None], 4, axis=1))


def test_random_scores_are_within_their_intervals_of_chance() -> None:
    """2,000 users, 300 items, 99 negatives: HR@10 is 10 / 100, and 10 / 300 among all; AUC 1/2."""
    users = np.arange(2000, dtype=np.int32)
    candidates = np.stack([np.random.default_rng(u).permutation(300)[:100] for u in users])
    places = HeldOutRanks(users, candidates, Seen(users, candidates[:, 0], 300))
    sweep("random", chance.block_scorer(300, 2017), users, 300, [places])
    gain = metrics.ndcg_gains(10).sum()
    for found, n in ((places.sampled, 100), (places.full, 300)):
        both = found.n_better[:, None], found.n_tied[:, None]
        rows = summary(figures(Ranks(found.n_candidates, *both), [10]))
        expected = {("hr", 10): 10 / n, ("ndcg", 10): gain / n, ("auc", 0): 0.5}
        for name, value in expected.items():
            assert rows[name].ci_low <= value <= rows[name].ci_high


def test_rows_have_the_columns_of_their_tables() -> None:
    """In the same order."""
    from ncf_assets.tables import tables

    for table, row in (("metrics", Metric), ("comparisons", Comparison)):
        assert list(row.__annotations__) == tables()[table].schema.names
