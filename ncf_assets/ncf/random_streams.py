"""Name all randomness: a stream of numbers follows from a seed and the name of its purpose.

A new step takes a new name and so never moves another step's numbers. The modules that draw decide
what is drawn: `evaluation.evaluation_negatives`, `models.neumf`, `training.epoch` and others.
"""

import hashlib

import numpy as np

# Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators": SplitMix64
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
MIX_2 = np.uint64(0x94D049BB133111EB)


def rng(seed: int, name: str) -> np.random.Generator:
    """Return the generator of the stream `name`, independent of all other names and seeds."""
    return np.random.Generator(np.random.PCG64(_digest(seed, name, 16)))


def integer_seed(seed: int, name: str) -> int:
    """Return a seed from 0 to 2**31 - 1, for code such as a Keras initializer."""
    return _digest(seed, name, 4) >> 1


def stream_key(seed: int, name: str) -> np.uint64:
    """Return the key of the stream `name` for `counter_hash`."""
    return np.uint64(_digest(seed, name, 8))


def text_key(text: str) -> int:
    """Return a 64-bit hash of a text, the same on every machine and in every process."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def counter_hash(keys: np.ndarray, counters: np.ndarray) -> np.ndarray:
    """Return element `counters` of the SplitMix64 stream that starts at `keys`.

    The elements before it are not computed. Both arguments are uint64 arrays that broadcast to the
    shape of the result. Under one key, different counters have different hashes, as each step is a
    bijection.
    """
    return mix(keys + (counters + np.uint64(1)) * GOLDEN)


def mix(words: np.ndarray) -> np.ndarray:
    """Scramble uint64 words, each on its own, such that near words become unrelated."""
    words = (words ^ (words >> np.uint64(30))) * MIX_1
    words = (words ^ (words >> np.uint64(27))) * MIX_2
    mixed: np.ndarray = words ^ (words >> np.uint64(31))
    return mixed


def _digest(seed: int, name: str, n_bytes: int) -> int:
    text = f"{seed} {name}".encode()  # a seed has no space, so no two pairs share a text
    return int.from_bytes(hashlib.blake2b(text, digest_size=n_bytes).digest(), "little")
