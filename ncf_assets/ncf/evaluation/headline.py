"""Choose the length of list whose metrics stand for all."""

from collections.abc import Iterable

HEADLINE_K = 10  # He et al. 2017, section 4.1: lists are cut at 10


def headline_k(lengths: Iterable[int]) -> int:
    """Return the length of list whose metrics stand for all: 10, or what comes nearest.

    Of two that are as near it is the shorter one. 0, which stands for no length, is the answer
    only without any other.
    """
    return min((k for k in set(lengths) if k), key=lambda k: (abs(k - HEADLINE_K), k), default=0)
