"""The rules that are printed are those by which the figures were made."""

from datetime import datetime

import pytest

from ncf_assets.report.method import explained, method
from ncf_assets.report.protocol import Protocol

TIME_SPLIT = {
    "split": "time_split",
    "targets": "all",
    "validation_from": datetime(2013, 12, 1),
    "test_from": datetime(2014, 1, 1, 6, 30),
}


def test_each_protocol_is_described_with_its_numbers() -> None:
    """There are full, sampled and corrected; 1/log2(3) = 0.631, 1/log2(11) = 0.289."""
    text = " ".join(
        method([Protocol(), Protocol(50), Protocol(50, corrected=True)], 10, 0.05, [], {}, 1)
    )
    assert "full: the held-out item is ranked among all items that the user has in no" in text
    assert "sampled-50: the held-out item is ranked among 50 items drawn once" in text
    assert "sampled-50-corrected: what the sampled ranks say of the full ones" in text
    assert "its mean discount, 1 at rank 1, 0.631 at rank 2, 0.289 at rank 10, 0 beyond" in text


@pytest.mark.parametrize(
    ("k", "discounts"),
    [(1, "1 at rank 1, 0 beyond"), (2, "1 at rank 1, 0.631 at rank 2, 0 beyond")],
)
def test_each_discount_is_given_once(k: int, discounts: str) -> None:
    """A k of 1 or 2 repeats no rank."""
    assert any(
        f"its mean discount, {discounts}." in rule
        for rule in method([Protocol(99)], k, 0.05, [], {}, 1)
    )


def test_without_figures_no_numbers_are_given() -> None:
    """Split, intervals, fits and training hold for any protocol.

    Nothing is assumed about the test.
    """
    heads = [rule.partition(":")[0] for rule in method([], 0, None, [], {}, 1)]
    assert heads == ["Split", "Intervals", "Fits", "Training"]


@pytest.mark.parametrize(
    ("not_refitted", "said"),
    [
        ([], "to train and validation together. Recommendations come"),
        (["GMF"], "to train and validation together, but for GMF, which know train alone."),
        (["GMF", "MLP"], "together, but for GMF and MLP, which know train alone."),
    ],
)
def test_models_that_were_not_fitted_again_are_named(not_refitted: list[str], said: str) -> None:
    """Their figures are of less data than those of the others."""
    assert said in " ".join(method([Protocol()], 10, 0.05, not_refitted, {}, 1))


def test_the_main_figures_are_explained_where_they_are_first_used() -> None:
    """1 / log2(11) = .2891."""
    assert explained(10) == (
        "HR@10: the share of users of whom a held-out item is among the first 10 that a model would"
        " show. NDCG@10 also counts how far up: 1 for the first place, less for each further one,"
        " 0.29 for place 10."
    )


def test_several_held_out_items_are_explained() -> None:
    """Those of a time split that tests everything after the cut."""
    text = " ".join(method([Protocol(), Protocol(99)], 10, 0.05, [], TIME_SPLIT, 1))
    assert "Split: one cut for all users. What is before 2013-12-01 is for training, and" in text
    assert "to 2014-01-01 06:30:00 for validation. From there on, everything is tested." in text
    assert "full: a user's held-out items are ranked among all items" in text
    assert "precision@10 their share of the 10 places" in text
    last = " ".join(method([Protocol()], 10, 0.05, [], TIME_SPLIT | {"targets": "last"}, 1))
    assert "From there on, each user's last item is tested." in last
    assert "precision" not in last
