"""The rules that are printed are those by which the figures were made."""

import pytest

from ncf_assets.ncf.report.method import method
from ncf_assets.ncf.report.protocol import Protocol
from ncf_assets_tests.ncf.report.drawn import PAPER, SHORT


def test_the_paper_s_protocol_is_told_with_its_numbers() -> None:
    """1/log2(3) = 0.631, 1/log2(11) = 0.289, and equal scores hit 10 times in 100."""
    text = " ".join(method(PAPER))
    assert "ranked among 99 items drawn once" in text
    assert "HR@10: the share of users whose held-out item is at rank 10 or better." in text
    assert "NDCG@10: its mean discount, 1 at rank 1, 0.631 at rank 2, 0.289 at rank 10," in text
    assert "A model that scores everything alike gets HR@10 0.100." in text


def test_another_protocol_is_told_with_its_own() -> None:
    """1/log2(6) = 0.387, and equal scores hit 5 times in 51."""
    text = " ".join(method(SHORT))
    assert "ranked among 50 items drawn once" in text
    assert "HR@5: the share of users whose held-out item is at rank 5 or better." in text
    assert "NDCG@5: its mean discount, 1 at rank 1, 0.631 at rank 2, 0.387 at rank 5," in text
    assert "A model that scores everything alike gets HR@5 0.098." in text


@pytest.mark.parametrize(
    ("protocol", "discounts"),
    [
        (Protocol(99, 1), "1 at rank 1, 0 beyond"),
        (Protocol(99, 2), "1 at rank 1, 0.631 at rank 2, 0 beyond"),
        (Protocol(2, 10), "1 at rank 1, 0.631 at rank 2, 0.500 at rank 3, 0 beyond"),
    ],
)
def test_each_discount_is_told_once_and_within_the_list(protocol: Protocol, discounts: str) -> None:
    """A k of 1 or 2 repeats no rank; a list of three has no tenth."""
    assert any(f"its mean discount, {discounts}." in rule for rule in method(protocol))


def test_one_negative_is_one_item() -> None:
    """The smallest list there can be."""
    assert "ranked among 1 item drawn once" in " ".join(method(Protocol(1, 1)))


def test_training_is_always_judged_at_ten() -> None:
    """The history's columns are HR@10 and NDCG@10, whatever k the test has."""
    assert "highest validation NDCG@10" in method(SHORT)[-1]


def test_without_figures_no_numbers_are_told() -> None:
    """Split, intervals and training hold for any protocol; nothing is assumed about the test."""
    assert [rule.partition(":")[0] for rule in method(None)] == ["Split", "Intervals", "Training"]
