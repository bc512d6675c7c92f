"""Streams of numbers follow from seed and name, and never change."""

import numpy as np
import pytest

from ncf_assets.ncf.random_streams import counter_hash, integer_seed, mix, rng, stream_key, text_key


def test_the_hash_is_splitmix64() -> None:
    """Its first outputs for the seed 1234567 are published (Rosetta Code, "Splitmix64")."""
    keys = np.array([1234567], np.uint64)
    assert counter_hash(keys, np.arange(5, dtype=np.uint64)).tolist() == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


def test_keys_and_counters_broadcast() -> None:
    """A column of keys and a row of counters make a table, each element on its own."""
    keys = np.array([[5], [9]], np.uint64)
    counters = np.arange(3, dtype=np.uint64)
    table = counter_hash(keys, counters)
    assert table.shape == (2, 3)
    assert table[1, 2] == counter_hash(keys[1], counters[2:])[0]


def test_different_counters_have_different_hashes() -> None:
    """Every step is a bijection, so nothing collides under one key."""
    hashes = counter_hash(np.array([7], np.uint64), np.arange(10_000, dtype=np.uint64))
    assert np.unique(hashes).size == 10_000


def test_near_words_become_unrelated() -> None:
    """Of 64 bits about 32 change between neighbors; 0.1 is 5 standard errors of this mean."""
    words = np.arange(40_001, dtype=np.uint64)
    changed = np.bitwise_count(mix(words[1:]) ^ mix(words[:-1]))
    assert changed.mean() == pytest.approx(32, abs=0.1)


def test_a_stream_is_repeatable() -> None:
    """The same seed and name give the same numbers."""
    assert rng(1, "a").integers(2**60) == rng(1, "a").integers(2**60)
    assert integer_seed(1, "a") == integer_seed(1, "a")
    assert stream_key(1, "a") == stream_key(1, "a")


@pytest.mark.parametrize(("seed", "name"), [(1, "b"), (2, "a"), (11, "a"), (1, "1 a")])
def test_a_stream_depends_on_seed_and_name(seed: int, name: str) -> None:
    """Another name or another seed gives another stream, in all three forms."""
    assert rng(seed, name).integers(2**60) != rng(1, "a").integers(2**60)
    assert integer_seed(seed, name) != integer_seed(1, "a")
    assert stream_key(seed, name) != stream_key(1, "a")


def test_integer_seeds_fit_into_31_bits() -> None:
    """Keras and TensorFlow take seeds from 0 to 2**31 - 1, and all of that range is used."""
    seeds = [integer_seed(seed, "range") for seed in range(1000)]
    assert 0 <= min(seeds) < 2**25
    assert 2**31 - 2**25 < max(seeds) < 2**31


def test_keys_of_texts_never_change() -> None:
    """Stored negatives follow from these hashes: BLAKE2b of 8 bytes, read as little-endian."""
    # printf A1B2 | b2sum -l 64 prints 3274a956e769c6e8
    assert text_key("A1B2") == int.from_bytes(bytes.fromhex("3274a956e769c6e8"), "little")
    assert text_key("ä") != text_key("a")
