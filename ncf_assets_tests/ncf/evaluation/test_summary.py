"""The tables of metrics have the rows and the values that they should have."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncf_assets.ncf.evaluation import rank_gains
from ncf_assets.ncf.evaluation.ranking import HeldOutRanks
from ncf_assets.ncf.evaluation.summary import Comparison, Metric, summarize
from ncf_assets.ncf.evaluation.user_metrics import (
    Ranks,
    UserMetrics,
    corrected_user_metrics,
    user_metrics,
)
from ncf_assets.ncf.interaction_set import InteractionSet

pairs = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=2, max_size=20
)  # better and tied


def ranks(*models: list[tuple[int, int]], n_candidates: int = 100) -> Ranks:
    """Return the ranks of each model's users, given as (better, tied)."""
    both = np.array(models).transpose(2, 1, 0)  # [2, users, models]
    return Ranks(np.full(both.shape[1], n_candidates), *both)


def summary(
    found: UserMetrics, models: tuple[str, ...] = ("neumf",)
) -> dict[tuple[str, int], Metric]:
    """Return the metrics of the first model over all users, by metric and k."""
    everyone = {"all": np.ones(len(found.values), bool)}
    blocks = [{"sampled-99": found}]
    rows = summarize(once(*models), blocks, everyone, models[0], 0.05, 1).metrics
    return {(row.metric, row.k): row for row in rows if row.model == models[0]}


def once(*models: str) -> list[tuple[str, int]]:
    """Return trainings of one seed each."""
    return [(model, 0) for model in models]


def test_one_user_by_hand() -> None:
    """The rank is 10 or 11: half a hit at k = 10, and a certain one at 20.

    Of 99 others 89 are beaten and 1 is equal.
    """
    values = {
        name: row.value for name, row in summary(user_metrics(ranks([(9, 1)]), [10, 20])).items()
    }
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
            ("map", 10): 1 / 20,
            ("map", 20): (1 / 10 + 1 / 11) / 2,
            ("precision", 10): 0.5 / 10,
            ("precision", 20): 1 / 20,
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
    """At ranks 1 and 11, HR@10 is 1 / 2, from 30 users; 29 have no interval."""
    row = summary(user_metrics(ranks([(0, 0), (10, 0)] * 15), [10]))["hr", 10]
    assert (row.value, row.n_users, row.segment) == (0.5, 30, "all")
    assert row.ci_low is not None
    assert row.ci_high is not None
    assert row.ci_low < 0.5 < row.ci_high
    few = summary(user_metrics(ranks([(0, 0)] * 29), [10]))["hr", 10]
    assert (few.value, few.ci_low, few.ci_high) == (1, None, None)


def test_a_segment_is_the_mean_over_its_users() -> None:
    """The segment has the second user alone, who is at rank 11."""
    found = user_metrics(ranks([(0, 0), (10, 0)]), [10])
    members = {"all": np.array([True, True]), "cold": np.array([False, True])}
    result = summarize(once("neumf"), [{"full": found}], members, "neumf", 0.05, 1)
    (cold,) = [row for row in result.metrics if (row.segment, row.metric) == ("cold", "hr")]
    assert (cold.value, cold.ci_low, cold.ci_high, cold.n_users) == (0, None, None, 1)
    assert result.comparisons == []  # there is no other model


def test_a_difference_is_paired() -> None:
    """Ranks 1, 1, 11, 11 against 1, 11, 11, 11, ten users of each: 2/4 - 1/4 in HR@10.

    The difference is 1 for ten of 40 users, so its error is √(40/39 · 1/4 · 3/4 / 40) = .0693. A
    twentieth of the other's 1/4 counts as none.
    """
    better = [(0, 0), (0, 0), (10, 0), (10, 0)] * 10
    found = user_metrics(ranks(better, [(0, 0), *[(10, 0)] * 3] * 10), [10])
    everyone = {"all": np.ones(40, bool)}
    trainings = once("neumf", "random")
    rows = summarize(trainings, [{"full": found}], everyone, "neumf", 0.05, 1).comparisons
    assert [(row.baseline, row.metric) for row in rows] == [("random", "hr"), ("random", "ndcg")]
    hr = rows[0]
    assert (hr.difference, hr.margin, hr.n_users) == (0.25, 0.0125, 40)
    assert hr.ci_low is not None
    assert hr.detectable is not None
    assert 0.25 - hr.ci_low == pytest.approx(1.96 * 0.0693, rel=0.1)
    assert hr.detectable == pytest.approx(0.25 - hr.ci_low + 0.8416 * 0.0693, rel=0.001)


def test_estimates_have_neither_intervals_nor_comparisons() -> None:
    """They have a bias that the spread over users does not show."""
    values = np.random.default_rng(1).random((40, 2, 1))
    estimates = UserMetrics([("hr", 10)], values, estimated=True)
    everyone = {"all": np.ones(40, bool)}
    blocks = [{"sampled-99-corrected": estimates}]
    result = summarize(once("ease", "neumf"), blocks, everyone, "neumf", 0.05, 1)
    assert [(row.ci_low, row.ci_high) for row in result.metrics] == [(None, None)] * 2
    assert result.comparisons == []


def test_the_intervals_of_both_protocols_hold_together() -> None:
    """A second protocol of its own makes those of the first wider; another k does not."""
    generator = np.random.default_rng(2)
    everyone = {"all": np.ones(400, bool)}

    def width(protocols: int, *ks: int) -> float:
        columns = [("hr", k) for k in ks]
        drawn = {
            str(i): UserMetrics(columns, generator.random((400, 2, len(ks))))
            for i in range(protocols)
        }
        rows = summarize(once("ease", "neumf"), [drawn], everyone, "neumf", 0.05, 1).comparisons
        (row,) = [row for row in rows if (row.protocol, row.k) == ("0", 10)]
        return row.difference - (row.ci_low or 0)

    assert width(10, 10) / width(1, 10) == pytest.approx(2.80 / 1.96, rel=0.1)
    assert width(1, *range(1, 11)) / width(1, 10) == pytest.approx(1, rel=0.1)


def test_differences_agree_with_the_means() -> None:
    """They do so at any position of the subject among the models."""
    generator = np.random.default_rng(1)
    found = UserMetrics([("hr", 10), ("auc", 0)], generator.random((20, 3, 2)))
    everyone = {"all": np.ones(20, bool)}
    trainings = once("ease", "neumf", "random")
    result = summarize(trainings, [{"full": found}], everyone, "neumf", 0.05, 1)
    hr = {row.model: row.value for row in result.metrics if row.metric == "hr"}
    assert {row.baseline: row.difference for row in result.comparisons} == pytest.approx(
        {"ease": hr["neumf"] - hr["ease"], "random": hr["neumf"] - hr["random"]}
    )


def test_a_network_is_the_mean_over_its_seeds() -> None:
    """At rank 1 and 11 with one seed and at 1 and 1 with the other, HR@10 is 1 / 2 and 1.

    Their deviation is √(2 · (1/4)² / 1). EASE has both users at rank 11.
    """
    seeds = [(0, 0), (10, 0)] * 15, [(0, 0), (0, 0)] * 15
    found = user_metrics(ranks([(10, 0)] * 30, *seeds), [10])
    trainings = [("ease", 0), ("neumf", 7), ("neumf", 8)]
    everyone = {"all": np.ones(30, bool)}
    result = summarize(trainings, [{"full": found}], everyone, "neumf", 0.05, 1)
    hr = {row.model: row for row in result.metrics if row.metric == "hr"}
    assert (hr["neumf"].value, hr["neumf"].n_seeds) == (0.75, 2)
    assert hr["neumf"].seed_deviation == pytest.approx(math.sqrt(1 / 8))
    assert (hr["ease"].n_seeds, hr["ease"].seed_deviation) == (1, None)
    own = {row.seed: row.value for row in result.of_seeds if row.metric == "hr"}
    assert own == {7: 0.5, 8: 1.0}
    assert {row.model for row in result.of_seeds} == {"neumf"}
    (difference,) = [row for row in result.comparisons if row.metric == "hr"]
    assert difference.difference == 0.75
    # the variance of two seeds alone is 1/8 / 2, and t of one degree of freedom is beyond 12
    assert difference.ci_low is not None
    assert difference.ci_low < 0.75 - 8 * math.sqrt(1 / 16)  # as part of it is the users'


def test_users_in_blocks_have_the_figures_of_all_at_once() -> None:
    """To rounding, by networks of two seeds as well; a segment may have users in some blocks."""
    generator = np.random.default_rng(3)
    found = {name: generator.random((90, 4, 2)) for name in ("full", "sampled-99")}
    trainings = [("ease", 0), ("neumf", 7), ("neumf", 8), ("random", 0)]
    members = {"all": np.ones(90, bool), "cold": np.arange(90) > 50}

    def figures(at_once: int) -> list[object]:
        blocks = [
            {
                name: UserMetrics([("hr", 10), ("auc", 0)], values[first : first + at_once])
                for name, values in found.items()
            }
            for first in range(0, 90, at_once)
        ]
        made = summarize(trainings, blocks, members, "neumf", 0.05, 1)
        rows = [*made.metrics, *made.of_seeds, *made.comparisons]
        return [value for row in rows for value in vars(row).values()]

    for one, other in zip(figures(90), figures(40), strict=True):
        assert other == (pytest.approx(one, rel=1e-12) if isinstance(one, float) else one)


@given(pairs, st.randoms())
def test_the_order_of_users_does_not_count(found: list[tuple[int, int]], random: object) -> None:
    """The mean is over the set of users."""
    shuffled = list(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = (user_metrics(ranks(users), [1, 10]) for users in (found, shuffled))
    np.testing.assert_allclose(one.values.mean(axis=0), other.values.mean(axis=0))


@given(pairs)
def test_ties_lie_between_lost_and_won(found: list[tuple[int, int]]) -> None:
    """For each user, pessimistic ≤ expected ≤ optimistic."""
    made = user_metrics(ranks(found), [1, 10])
    column = dict(zip(made.columns, made.values.transpose(2, 0, 1), strict=True))
    for name in ("hr", "ndcg"):
        for k in (1, 10):
            low, middle, high = (
                column[f"{name}{case}", k] for case in ("_pessimistic", "", "_optimistic")
            )
            assert (low <= middle + 1e-12).all()
            assert (middle <= high + 1e-12).all()


def test_corrected_figures_by_hand() -> None:
    """Of lists of 3 and of 2 candidates one other is sampled; each user is at sampled rank 1.

    Of 3 candidates the gain is 1.275 / 1.575, see `test_sampled_metric_correction`; of 2 nothing
    needs correction.
    """
    sampled = ranks([(0, 0), (0, 0), (0, 1)], n_candidates=2)
    found = corrected_user_metrics(sampled, np.array([3, 2, 3]), [1])
    assert found.columns == [("hr", 1), ("ndcg", 1), ("mrr", 1), ("recall", 1)]
    # the third is at rank 1 or 2: the mean of 1.275 and -0.225
    by_hand = np.array([1.275 / 1.575, 1, 0.525 / 1.575])
    np.testing.assert_allclose(found.values[:, 0], np.repeat(by_hand[:, None], 4, axis=1))


def test_chance_is_exact() -> None:
    """Of lists of 100 and of 298, 299 and 300 any rank is as likely as any other.

    HR@10 is 10 over the length, NDCG@10 the first ten discounts over it, and AUC 1/2.
    """
    users = np.arange(3, dtype=np.int32)
    candidates = np.stack([np.random.default_rng(u).permutation(300)[:100] for u in users])
    # users 1 and 2 have seen one and two further items
    seen = [(user, candidates[user, i]) for user in users for i in range(user + 1)]
    counts = HeldOutRanks(users, candidates, InteractionSet(*np.array(seen).T, 300))
    gain = rank_gains.ndcg_gains(10).sum()
    for found, lengths in ((counts.sampled, [100] * 3), (counts.full, [300, 299, 298])):
        chance = found.by_chance()
        assert chance.n_candidates.tolist() == lengths
        both = chance.n_better[:, None], chance.n_tied[:, None]
        rows = summary(user_metrics(Ranks(chance.n_candidates, *both), [10]))
        share = sum(1 / n for n in lengths) / 3
        expected = {("hr", 10): 10 * share, ("ndcg", 10): gain * share, ("auc", 0): 0.5}
        for name, value in expected.items():
            assert rows[name].value == pytest.approx(value, abs=1e-15)


def test_rows_have_the_columns_of_their_tables() -> None:
    """The columns are in the same order."""
    from ncf_assets.tables import tables

    for table, row in (("metrics", Metric), ("comparisons", Comparison)):
        assert list(row.__annotations__) == tables()[table].schema.names


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0001, 0.02, "better"),
        (-0.02, -0.0001, "worse"),
        (-0.01, 0.01, "undecided"),
        (0.0, 0.02, "undecided"),  # an interval that touches 0 holds it
        (-0.02, 0.0, "undecided"),
        (-0.005, 0.005, "equal"),  # the margin is 0.005
        (-0.005, 0.0051, "undecided"),
        (0.0, 0.0, "equal"),  # NeuMF by another name
        (0.001, 0.004, "equal"),  # surely better, by less than counts
        (0.00002, 0.02, "undecided"),  # printed as 0.0000
        (None, None, "undecided"),
    ],
)
def test_an_interval_decides_if_it_leaves_out_zero_or_lies_within_the_margin(
    low: float | None, high: float | None, expected: str
) -> None:
    """An interval may be above 0, below it, or around it, and may be missing."""
    row = Comparison("neumf", "ials", "full", "ndcg", 10, 0.0, low, high, None, 0.005, 100, 0.0)
    assert row.verdict == expected


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1))
def test_swapping_the_models_swaps_the_verdict(
    difference: float, below: float, above: float
) -> None:
    """Better and worse are each other's mirror."""
    low, high = difference - below, difference + above
    row = Comparison("neumf", "ials", "full", "ndcg", 10, difference, low, high, 0.1, 0.1, 100, 0.0)
    mirrored = replace(row, difference=-difference, ci_low=-high, ci_high=-low)
    mirror = {"better": "worse", "worse": "better", "equal": "equal"}
    assert mirrored.verdict == mirror.get(row.verdict, "undecided")
