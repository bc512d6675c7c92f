"""Test the intervals of means and of differences: their width, and how often they are right."""

import math

import numpy as np
import pytest

from ncf_assets.ncf.evaluation import intervals
from ncf_assets.ncf.evaluation.intervals import JointMoments, Moments, SeededMoments
from ncf_assets.ncf.random_streams import rng


def of_seeds(values: np.ndarray, users: Moments | None = None) -> SeededMoments:
    """Return the moments of values [n, seeds, ...]."""
    found = SeededMoments(users or Moments())
    found.add(values)
    return found


def of_users(values: np.ndarray) -> SeededMoments:
    """Return the moments of values [n, ...] by one seed."""
    return of_seeds(values[:, None])


def differences(values: np.ndarray) -> SeededMoments:
    """Return the joint moments of differences [n, m] by one seed."""
    return of_seeds(values[:, None], JointMoments())


def of_hits(hits: int, users: int) -> tuple[float, float]:
    """Return the interval of a hit ratio."""
    low, high = intervals.of_means(of_users(np.repeat([1.0, 0.0], [hits, users - hits])))
    return float(low), float(high)


def test_moments_of_blocks_are_those_of_all_users() -> None:
    """Of 1 and 3, then 8, the mean is 4 and the squares are 9 + 1 + 16; of -1, -1, 2 they are 6.

    The products are 3 · 1 + 1 · 1 + 4 · 2. No users change nothing, and equal ones have no squares.
    """
    found = JointMoments()
    for block in ([[1, -1], [3, -1]], np.zeros((0, 2)), [[8, 2]]):
        found.add(np.array(block))
    assert (found.n, found.mean.tolist()) == (3, [4, 0])
    assert found.squares == pytest.approx(np.array([[26, 12], [12, 6]]))
    equal = Moments()
    for n in (1, 2, 4):
        equal.add(np.ones((n, 2)))
    assert (equal.mean.tolist(), equal.squares.tolist()) == ([1, 1], [0, 0])


def test_rates_have_wilsons_interval() -> None:
    """81 hits of 263 have .2553 to .3662 (Newcombe 1998, Statistics in Medicine 17, table I)."""
    assert of_hits(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)


def test_no_hit_of_few_users_is_not_certain_to_stay_none() -> None:
    """Of 30 users: z² / (n + z²) = 3.8415 / 33.8415; so also for a metric that all miss."""
    assert of_hits(0, 30) == pytest.approx((0, 3.8415 / 33.8415), abs=1e-5)
    assert of_hits(30, 30) == pytest.approx((30 / 33.8415, 1), abs=1e-5)


def test_fewer_than_thirty_users_have_no_interval() -> None:
    """29 have none, of means and of differences."""
    assert np.isnan(of_hits(10, 29)).all()
    found = intervals.simultaneous(differences(np.ones((29, 1))), rng(1, "few"))
    assert found.mean == [1]
    assert np.isnan([found.low, found.high, found.detectable]).all()


def test_values_that_vary_less_than_hits_count_as_more_users() -> None:
    """Half of 100 users have .2 and half have .6: variance .04 of .24, so 600 users of rate .4."""
    low, high = intervals.of_means(of_users(np.repeat([0.2, 0.6], 50)))
    assert (float(low), float(high)) == pytest.approx(of_hits(240, 600))


def test_equal_users_have_an_interval_of_no_width() -> None:
    """Each has the same chance, so others like them have it too."""
    low, high = intervals.of_means(of_users(np.full((40, 2), 0.1)))
    assert low == pytest.approx([0.1, 0.1])
    assert high == pytest.approx([0.1, 0.1])


def test_the_interval_of_many_users_is_the_normal_one() -> None:
    """For 2,000 users in the middle of the scale, mean ± 1.96 · sd / √n is right to a few %."""
    values = rng(1, "users").beta(2, 3, size=2000)
    low, high = intervals.of_means(of_users(values))
    half_width = 1.96 * values.std(ddof=1) / math.sqrt(2000)
    assert (high - low) / 2 == pytest.approx(half_width, rel=0.01)
    assert (high + low) / 2 == pytest.approx(values.mean(), rel=0.001)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    """Of 2,000 simulated samples of 400 users with few hits, 95 ± 1.5 % are covered."""
    samples = (rng(2, "simulation").random((400, 2000)) < 0.05).astype(float)
    low, high = intervals.of_means(of_users(samples))
    assert ((low <= 0.05) & (high >= 0.05)).mean() == pytest.approx(0.95, abs=0.015)


def test_one_difference_has_the_interval_of_a_paired_t_test() -> None:
    """With 500 users 1.96 standard errors; 2.80 of them are found in 80 % of samples.

    The quantile of 20,000 draws is off by a few thousandths.
    """
    values = rng(3, "users").normal(0.1, 1, size=(500, 1))
    found = intervals.simultaneous(differences(values), rng(3, "draws"))
    error = values.std(ddof=1) / math.sqrt(500)
    assert found.mean == pytest.approx(values.mean(axis=0))
    assert found.high - found.mean == pytest.approx(1.96 * error, rel=0.02)
    assert found.mean - found.low == pytest.approx(1.96 * error, rel=0.02)
    assert found.detectable == pytest.approx((1.96 + 0.8416) * error, rel=0.02)


def test_seeds_widen_the_interval_of_a_mean_by_students_t() -> None:
    """100 users of .2 and .6, by 3 seeds that add -.01, 0 and .01: .04 / 100 and .0001 / 3.

    The quantiles are 1.96 and, of two degrees of freedom, 4.303.
    """
    values = np.repeat([0.2, 0.6], 50)[:, None] + np.array([-0.01, 0.0, 0.01])  # [users, seeds]
    seeds = of_seeds(values)
    assert seeds.seed_variance == pytest.approx(0.0001 / 3)
    low, high = intervals.of_means(seeds)
    half_width = math.sqrt(1.96**2 * 0.04 / 100 + 4.303**2 * 0.0001 / 3)
    assert (high - low) / 2 == pytest.approx(half_width, rel=0.02)
    assert of_seeds(values[:, :1]).seed_variance == 0


def test_what_differs_by_user_alone_is_no_luck_of_a_seed() -> None:
    """Two seeds that swap two users' values have equal means, and users' variance knows the rest.

    Seeds of means .1 and .3 have a variance of .02; with values of (0, .6), (.2, 0) the deviations
    within users and seeds are ± .2, so that .04 · 4 / (1 · 1 · 2) = .08 is noise. With (0, .6) and
    (.2, .4) the means are .1 and .5, of a variance of .08, and ± .1 gives a noise of .02.
    """
    assert of_seeds(np.array([[0.0, 1.0], [1.0, 0.0]])).seed_variance == 0
    found = of_seeds(np.array([[0.0, 0.6], [0.2, 0.0]]))
    assert found.seed_means == pytest.approx([0.1, 0.3])
    assert found.seed_variance == 0
    less = of_seeds(np.array([[0.0, 0.6], [0.2, 0.4]]))
    assert less.seed_variance == pytest.approx((0.08 - 0.02) / 2)


def test_what_seeds_add_does_not_depend_on_other_columns() -> None:
    """Users who are all alike leave the seeds' part: t of two degrees of freedom is 4.303."""
    luck = np.array([-0.1, 0.0, 0.1])
    values = np.zeros((40, 1, 1)) + np.stack([luck, luck[[1, 0, 2]]], axis=1)[None]
    found = intervals.simultaneous(of_seeds(values, JointMoments()), rng(9, "seeds"))
    assert found.high - found.mean == pytest.approx(
        np.full(2, 4.303 * 0.1 / math.sqrt(3)), rel=1e-3
    )
    assert found.seed_share == pytest.approx([1, 1])


def test_the_share_of_seeds_is_told_from_that_of_users() -> None:
    """400 users of ±1 and 3 seeds of ±.1: (4.303 · .1 / √3)² of that and (1.96 / 20)².

    .0617 of .0713; of one seed, and of columns that do not vary, it is none.
    """
    users = np.repeat([-1.0, 1.0], 200)[:, None]
    values = (users + np.array([-0.1, 0.0, 0.1]))[:, :, None]  # [users, seeds, columns]
    found = intervals.simultaneous(of_seeds(values, JointMoments()), rng(10, "share"))
    assert found.seed_share == pytest.approx([0.0617 / 0.0713], rel=0.02)
    for unmoved in (differences(users), of_seeds(0 * values, JointMoments())):
        assert intervals.simultaneous(unmoved, rng(10, "share")).seed_share.tolist() == [0]


def test_intervals_over_users_and_seeds_cover_the_truth() -> None:
    """Of 1,000 evaluations with three seeds as uncertain as users, 95 % hold 0, or a few more."""
    generator = rng(8, "simulation")
    held = 0
    for _ in range(1000):
        luck = generator.normal(0, 0.1, size=3)
        values = generator.normal(0, 1, size=(300, 1)) + luck  # [users, seeds]
        found = intervals.simultaneous(of_seeds(values[:, :, None], JointMoments()), generator)
        held += bool(found.low[0] <= 0 <= found.high[0])
    assert 0.93 < held / 1000 < 0.99


def test_many_independent_differences_have_wider_intervals() -> None:
    """Ten take the quantile at .95^(1/10) = .99488, which is 2.80 standard errors."""
    values = rng(4, "users").normal(0, 1, size=(800, 10))
    found = intervals.simultaneous(differences(values), rng(4, "draws"))
    width = (found.high - found.mean) / (values.std(axis=0, ddof=1) / math.sqrt(800))
    assert width == pytest.approx(np.full(10, 2.80), rel=0.02)


def test_the_same_difference_twice_costs_nothing() -> None:
    """Ten copies of a column have the intervals of one."""
    values = rng(5, "users").normal(0, 1, size=(300, 1))
    once = intervals.simultaneous(differences(values), rng(5, "draws"))
    often = intervals.simultaneous(differences(np.repeat(values, 10, axis=1)), rng(5, "draws"))
    assert often.low == pytest.approx(np.repeat(once.low, 10))


def test_models_of_equal_ranks_differ_by_nothing_for_certain() -> None:
    """Beside them, the others' interval is as if they were not there."""
    values = rng(6, "users").normal(0, 1, size=(300, 1))
    alone = intervals.simultaneous(differences(values), rng(6, "draws"))
    both = intervals.simultaneous(differences(np.hstack([values, 0 * values])), rng(6, "draws"))
    assert (both.low[1], both.high[1], both.detectable[1]) == (0, 0, 0)
    assert both.low[0] == pytest.approx(alone.low[0])
    nothing = intervals.simultaneous(differences(np.zeros((300, 1))), rng(6, "draws"))
    assert (nothing.low, nothing.high) == (0, 0)


def test_equal_models_are_rarely_told_apart_on_any_row() -> None:
    """In 5 % of 300 pages of ten comparisons one leaves out 0; 2 to 8.8 % are three deviations."""
    generator = rng(7, "simulation")
    claims = 0
    for _ in range(300):
        own, others = generator.random((200, 1)), generator.random((200, 10))
        found = intervals.simultaneous(differences(own - others), generator)
        claims += bool(((found.low > 0) | (found.high < 0)).any())
    assert 0.02 < claims / 300 < 0.088


def test_the_intervals_follow_from_the_generator() -> None:
    """The same seed gives the same interval, another seed another one."""
    values = rng(1, "users").random((200, 2)) - 0.5
    first, again, other = (
        intervals.simultaneous(differences(values), rng(seed, "draws")).low.tolist()
        for seed in (1, 1, 2)
    )
    assert first == again != other
