"""Test the intervals over users: their width, their coverage, and that differences are paired."""

import math

import numpy as np
import pytest

from ncf_assets.ncf.evaluation import bootstrap
from ncf_assets.ncf.random_streams import rng


def interval(values: np.ndarray, level: float = 0.95, seed: int = 1) -> tuple[float, float]:
    """Return the interval of one column."""
    means = bootstrap.resampled_means(values[:, None], rng(seed, "bootstrap"))
    low, high = bootstrap.interval(means, level)
    return float(low[0]), float(high[0])


def test_the_interval_has_the_width_of_the_normal_one() -> None:
    """For 2000 users in the middle of the scale, mean ± 1.96 · sd / √n is right to a few %."""
    values = rng(1, "users").beta(2, 3, size=2000)
    low, high = interval(values)
    half_width = 1.96 * values.std(ddof=1) / math.sqrt(2000)
    assert low < values.mean() < high
    assert (high - low) / 2 == pytest.approx(half_width, rel=0.15)


def test_the_interval_of_hits_has_the_width_of_the_normal_one() -> None:
    """400 hits of 1000: 1.96 · √(0.4 · 0.6 / 1000) = 0.0304 to either side."""
    low, high = interval(np.repeat([1.0, 0.0], [400, 600]))
    assert low == pytest.approx(0.4 - 0.0304, abs=0.0046)
    assert high == pytest.approx(0.4 + 0.0304, abs=0.0046)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    """An interval of 95 % covers the truth in about 95 % of 300 simulated samples.

    Fewer than 91 % of them, or all, would be beyond three deviations.
    """
    samples = (rng(2, "simulation").random((400, 300)) < 0.4).astype(float)  # 300 columns
    low, high = bootstrap.interval(bootstrap.resampled_means(samples, rng(3, "bootstrap")))
    covered = ((low <= 0.4) & (high >= 0.4)).sum()
    assert 0.91 * 300 < covered < 300


def test_a_paired_difference_is_narrower_than_that_of_strangers() -> None:
    """Two models differ by 0.1 for every user, so nothing about that difference is uncertain."""
    better = rng(1, "users").random(500)
    means = bootstrap.resampled_means(np.column_stack([better, better - 0.1]), rng(1, "bootstrap"))
    low, high = bootstrap.interval(means[:, :1] - means[:, 1:])
    assert low == pytest.approx(0.1)
    assert high == pytest.approx(0.1)


def test_a_paired_difference_covers_the_truth_about_as_often_as_it_says() -> None:
    """In 300 pairs, the models agree on most users and differ by 0.05 on average."""
    generator = rng(4, "simulation")
    base = generator.random((400, 300)) < 0.4
    better = base | (generator.random((400, 300)) < 0.05 / 0.6)  # 0.6 of the users may change
    both = np.hstack([better, base]).astype(float)
    means = bootstrap.resampled_means(both, rng(5, "bootstrap"))
    low, high = bootstrap.interval(means[:, :300] - means[:, 300:])
    covered = ((low <= 0.05) & (high >= 0.05)).sum()
    assert 0.91 * 300 < covered < 300


def test_a_higher_level_is_a_wider_interval() -> None:
    """99 % reaches 2.58 standard errors, 50 % only 0.67."""
    values = np.repeat([1.0, 0.0], [400, 600])
    narrow, wide = interval(values, 0.5), interval(values, 0.99)
    assert wide[0] < narrow[0] < 0.4 < narrow[1] < wide[1]


def test_the_interval_follows_from_the_generator() -> None:
    """The same seed gives the same interval, another seed another one."""
    values = rng(1, "users").random(200)
    first, again, other = (interval(values, seed=seed) for seed in (1, 1, 2))
    assert first == again != other


def test_not_all_resamples_are_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of any size draw the same users."""
    values = rng(1, "users").random((50, 2))
    expected = bootstrap.resampled_means(values, rng(1, "bootstrap"))
    monkeypatch.setattr(bootstrap, "CHUNK", 300)
    np.testing.assert_allclose(bootstrap.resampled_means(values, rng(1, "bootstrap")), expected)


def test_equal_users_have_an_interval_of_no_width() -> None:
    """Resampling equal values changes nothing."""
    assert interval(np.full(30, 0.1)) == pytest.approx((0.1, 0.1))


def test_no_users_have_no_interval() -> None:
    """The mean over no users is undefined, so an error is raised instead of a NaN."""
    with pytest.raises(ValueError, match=r"over zero users\. Give at least one user\."):
        bootstrap.resampled_means(np.empty((0, 1)), rng(1, "bootstrap"))
