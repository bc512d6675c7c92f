"""The estimator of Krichene and Rendle solves hand-worked equations and serves its purpose."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom

from ncf_assets.ncf.evaluation import rank_gains, sampled_metric_correction
from ncf_assets.ncf.random_streams import rng

on_any_machine = settings(deadline=None)  # a first or a busy call takes longer
HIT_AT_1 = np.array([[1.0]])


def test_three_candidates_of_which_one_is_sampled_by_hand() -> None:
    """True rank 1 is sampled as 1, 2 as 1 or 2 with equal chance, and 3 as 2.

    PᵀP = [[1.25, 0.25], [0.25, 1.25]] and Pᵀ1 = [1.5, 1.5], so with gamma = 0.1 the left side is
    [[1.275, 0.225], [0.225, 1.275]]; the right one is [1, 0]. Its determinant is 1.575, and the
    values are 1.275 / 1.575 and -0.225 / 1.575.
    """
    assert sampled_metric_correction.rank_chances(np.arange(3), 3, 1).tolist() == [
        [1, 0],
        [0.5, 0.5],
        [0, 1],
    ]
    values = sampled_metric_correction.corrected_gains(HIT_AT_1, 3, 1)
    assert values == pytest.approx(np.array([[1.275, -0.225]]) / 1.575)


def test_without_weight_on_the_variance_it_is_least_squares() -> None:
    """For gamma = 0 the x that brings P x nearest to the gains is the solution."""
    gains = np.array([rank_gains.ndcg_gains(5)])
    chance = sampled_metric_correction.rank_chances(np.arange(40), 40, 9)
    expected, *_ = np.linalg.lstsq(chance, np.pad(gains[0], (0, 35)), rcond=None)
    values = sampled_metric_correction.corrected_gains(gains, 40, 9, gamma=0)
    assert values[0] == pytest.approx(expected, abs=1e-6)


def test_with_all_weight_on_the_variance_it_is_the_mean_gain_of_a_sampled_rank() -> None:
    """For gamma = 1 it is E[gain | sampled rank], as all true ranks are equally likely."""
    values = sampled_metric_correction.corrected_gains(HIT_AT_1, 3, 1, gamma=1)
    assert values == pytest.approx(np.array([[1 / 1.5, 0]]))


def test_if_all_others_are_sampled_nothing_is_corrected() -> None:
    """The sampled rank is then the true one."""
    gains = np.array([rank_gains.ndcg_gains(3), rank_gains.reciprocal_gains(3)])
    values = sampled_metric_correction.corrected_gains(gains, 6, 5)
    assert values == pytest.approx(np.pad(gains, ((0, 0), (0, 3))))


def test_parts_of_the_true_ranks_give_the_same_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """40 true ranks, 3 at a time."""
    gains = np.array([rank_gains.ndcg_gains(5), rank_gains.reciprocal_gains(5)])
    at_once = sampled_metric_correction.corrected_gains(gains, 40, 9)
    monkeypatch.setattr(sampled_metric_correction, "CELLS", 30)
    assert sampled_metric_correction.corrected_gains(gains, 40, 9) == pytest.approx(at_once)


@on_any_machine
@given(st.integers(2, 60), st.data())
def test_sampled_ranks_are_hypergeometric(n_candidates: int, data: st.DataObject) -> None:
    """The distribution of scipy agrees: of n - 1 others, r - 1 are better and m are drawn."""
    n_negatives = data.draw(st.integers(1, n_candidates - 1))
    drawn = np.arange(n_negatives + 1)
    better = np.arange(n_candidates)[:, None]
    expected = hypergeom.pmf(drawn, n_candidates - 1, better, n_negatives)
    chances = sampled_metric_correction.rank_chances(
        np.arange(n_candidates), n_candidates, n_negatives
    )
    np.testing.assert_allclose(chances, expected, atol=1e-9)


def test_it_comes_nearer_to_the_full_metric_than_the_sampled_one() -> None:
    """4,000 users have true ranks among 2,000, of which better ones are likelier.

    99 others are sampled.
    """
    generator = rng(1, "simulation")
    better = (2000 * generator.random(4000) ** 4).astype(int)  # 0 to 1999
    sampled = generator.hypergeometric(better, 1999 - better, 99)
    none = np.zeros_like(better)
    truth = rank_gains.expected_hits(better, none, 10).mean()
    gains = sampled_metric_correction.corrected_gains(np.ones((1, 10)), 2000, 99)[0]
    estimate = rank_gains.expected_gain(gains, sampled, none).mean()
    assert truth == pytest.approx((10 / 2000) ** 0.25, abs=0.03)  # 0.27
    assert rank_gains.expected_hits(sampled, none, 10).mean() > 2 * truth
    assert estimate == pytest.approx(truth, rel=0.25)


@given(st.lists(st.integers(120, 10**6), min_size=1, max_size=20))
def test_lengths_are_rounded_by_less_than_a_hundredth(lengths: list[int]) -> None:
    """Half a step is at most a 128th, and no length falls below the sampled list."""
    n_candidates = np.array(lengths)
    rounded = sampled_metric_correction.rounded(n_candidates, 99)
    assert (np.abs(rounded - n_candidates) <= n_candidates / 127).all()
    assert (rounded >= 100).all()


def test_short_lengths_are_not_rounded() -> None:
    """Up to 127 candidates the step is 1; 129 is the first that may move, to 128 or 130."""
    lengths = np.arange(100, 128)
    assert (sampled_metric_correction.rounded(lengths, 99) == lengths).all()
    assert sampled_metric_correction.rounded(np.array([129]), 99)[0] in (128, 130)
