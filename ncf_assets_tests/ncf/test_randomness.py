"""Named streams of random numbers."""

import numpy as np

from ncf_assets.ncf.randomness import counter_hash, integer_seed, rng, text_key


def test_a_stream_follows_seed_and_name() -> None:
    """Equal both times; another seed or name gives other numbers."""
    first = rng(1, "a").random(4).tolist()
    assert rng(1, "a").random(4).tolist() == first
    assert rng(2, "a").random(4).tolist() != first
    assert rng(1, "b").random(4).tolist() != first


def test_seed_and_name_are_kept_apart() -> None:
    """Seed 1 with name `1 a` is not seed 11 with name `a`."""
    assert integer_seed(1, "1 a") != integer_seed(11, "a")


def test_an_integer_seed_fits_keras() -> None:
    """31 bits, not negative."""
    assert all(0 <= integer_seed(seed, "x") < 2**31 for seed in range(100))


def test_text_keys_are_of_the_text_alone() -> None:
    """Stable across processes, unlike `hash`; apart for case and trailing space."""
    assert text_key("ann") == text_key("ann")
    assert len({text_key(t) for t in ("ann", "Ann", "ann ", "")}) == 4


def test_counter_hashes_spread_over_all_bits() -> None:
    """Each of 64 bits is set in about half of 10,000 hashes (five deviations are 250)."""
    hashes = counter_hash(np.full(1, 7, np.uint64), np.arange(10_000, dtype=np.uint64))
    for bit in range(64):
        share = ((hashes >> np.uint64(bit)) & np.uint64(1)).sum()
        assert 4750 < share < 5250
