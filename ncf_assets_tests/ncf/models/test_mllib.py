"""MLlib's equations are those of iALS, where all rows have one length and one weight."""

import numpy as np
import pytest

from ncf_assets.ncf.models.ials import IalsSettings
from ncf_assets.ncf.models.mllib import MllibSettings

SETTINGS = IalsSettings(
    factors=3, iterations=5, unobserved_ratio=2, regularization=0.1, half_life=0, seed=7
)


def test_the_settings_by_hand() -> None:
    """100 of 20 by 50 pairs: a = 2 · 100 / 1,000 = 0.2, regParam = 1.2 / 0.2 · 0.1 · (1 + 2)."""
    found = MllibSettings.of(SETTINGS, 20, 50, 100)
    assert (found.rank, found.maxIter, found.seed) == (3, 4, 7)
    assert found.alpha == pytest.approx(5)
    assert found.regParam == pytest.approx(1.8)
    assert found.length == pytest.approx(1.2**0.5)


def test_a_row_of_mean_length_has_the_same_equations() -> None:
    """A user with 5 of 50 items, as all have: MLlib's solution is ours, longer by √(1 + a)."""
    mllib = MllibSettings.of(SETTINGS, 20, 50, 100)
    items, own, a = np.random.default_rng(3).normal(size=(50, 3)), [4, 8, 15, 16, 23], 0.2
    ridge = 0.1 * (5 + a * 50)  # of IalsSettings
    left = a * items.T @ items + items[own].T @ items[own] + ridge * np.eye(3)
    ours = np.linalg.solve(left, items[own].sum(axis=0))
    longer = items * mllib.length
    confidence = 1 + mllib.alpha * np.isin(np.arange(50), own)  # Hu et al., section 4
    left = longer.T @ (confidence[:, None] * longer) + mllib.regParam * 5 * np.eye(3)
    theirs = np.linalg.solve(left, (confidence[own, None] * longer[own]).sum(axis=0))
    np.testing.assert_allclose(theirs, ours * mllib.length, rtol=1e-9)


@pytest.mark.parametrize(
    ("users", "items", "interactions", "blocks"),
    [
        (20, 50, 100, (10, 10)),
        (2**24 * 4, 50, 100, (12, 10)),  # 2^26 rows · 3 numbers / 2^24
        (20, 50, 2**20 * 10 + 1, (11, 11)),
    ],
)
def test_blocks_follow_from_the_data(
    users: int, items: int, interactions: int, blocks: tuple[int, int]
) -> None:
    """Another cluster gives the same factors at the start."""
    found = MllibSettings.of(SETTINGS, users, items, interactions)
    assert (found.numUserBlocks, found.numItemBlocks) == blocks


def test_one_iteration_leaves_mllib_one() -> None:
    """Without any there would be no factors to go on from."""
    once = IalsSettings(3, 1, unobserved_ratio=2, regularization=0.1, half_life=0, seed=7)
    assert MllibSettings.of(once, 20, 50, 100).maxIter == 1
