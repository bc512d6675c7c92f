"""A protocol knows its names and what a random order would get."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncf_assets.ncf.report.protocol import Protocol, protocol_of
from ncf_assets_tests.ncf.report.drawn import PAPER, SHORT, metric


def test_guessing_has_a_tenth_of_the_hits() -> None:
    """HR 10/100; NDCG is the discounts of ranks 1 to 10, 4.5436 in all, over 100."""
    assert PAPER.chance() == pytest.approx((0.1, 0.045436), abs=1e-6)


def test_guessing_among_fifty_others_has_five_of_51_hits() -> None:
    """HR 5/51; NDCG is the discounts of ranks 1 to 5 over 51."""
    # 1 + 0.63093 + 0.5 + 0.43068 + 0.38685 = 2.94846, and / 51 = 0.057813
    assert SHORT.chance() == pytest.approx((5 / 51, 0.057813), abs=1e-6)


def test_guessing_hits_always_when_k_exceeds_the_list() -> None:
    """Two negatives make three ranks: HR 1, NDCG (1 + 0.63093 + 0.5) / 3, whatever k."""
    assert Protocol(2, 10).chance() == pytest.approx((1.0, 0.710310), abs=1e-6)


@given(st.integers(1, 9_999), st.integers(1, 1_000))
def test_a_row_gives_back_its_protocol(negatives: int, k: int) -> None:
    """What a protocol is called in the table is enough to know it again."""
    protocol = Protocol(negatives, k)
    assert protocol_of(metric("neumf", "hr", 0.5, protocol)) == protocol


@pytest.mark.parametrize("name", ["full", "sampled-", "sampled-0", "sampled-99x", "not-sampled-9"])
def test_other_names_are_no_sampled_protocol(name: str) -> None:
    """A list of all items, or of a number nobody can read, is not guessed at."""
    assert protocol_of(replace(metric("neumf", "hr", 0.5), protocol=name)) is None


def test_a_part_of_the_users_has_no_protocol_here() -> None:
    """The report is about all test users."""
    assert protocol_of(replace(metric("neumf", "hr", 0.5), segment="new")) is None
