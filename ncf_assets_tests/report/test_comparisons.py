"""The paired intervals decide which model beats which."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncf_assets.ncf.evaluation.summary import Comparison
from ncf_assets.report.comparisons import signed, verdict, verdict_table, views
from ncf_assets_tests.report.drawn import COMPARISONS, CORRECTED, SAMPLED, comparison


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0001, 0.02, "beats"),
        (-0.02, -0.0001, "loses"),
        (-0.01, 0.01, "level"),
        (0.0, 0.02, "level"),  # an interval that touches 0 holds it
        (-0.02, 0.0, "level"),
    ],
)
def test_an_interval_decides_only_if_it_leaves_out_zero(
    low: float, high: float, expected: str
) -> None:
    """An interval may be above 0, below it, or around it."""
    row = Comparison("neumf", "ials", "full", "ndcg", 10, (low + high) / 2, low, high, 100)
    assert verdict(row) == expected


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1))
def test_swapping_the_models_swaps_the_verdict(
    difference: float, below: float, above: float
) -> None:
    """Beating and losing are each other's mirror."""
    low, high = difference - below, difference + above
    row = Comparison("neumf", "ials", "full", "ndcg", 10, difference, low, high, 100)
    mirrored = replace(row, difference=-difference, ci_low=-high, ci_high=-low)
    mirror = {"beats": "loses", "loses": "beats", "level": "level"}
    assert verdict(mirrored) == mirror[verdict(row)]


def test_the_views_are_ndcg_and_hr_at_ten_the_full_ranking_first() -> None:
    """Corrected figures are no view of their own, as they estimate the full ones."""
    assert any(row.protocol == CORRECTED for row in COMPARISONS)
    found = [(view.protocol.name, view.label) for view in views(COMPARISONS)]
    assert found == [
        ("full", "NDCG@10"),
        ("full", "HR@10"),
        (SAMPLED, "NDCG@10"),
        (SAMPLED, "HR@10"),
    ]


def test_what_is_concluded_is_what_is_printed() -> None:
    """A lower end of 0.00002 is printed +0.0000, and so decides nothing."""
    (view,) = views([replace(comparison("ials", 0.01), ci_low=0.00002)])
    assert view.verdict("ials") == "level"
    ((_, (cell,)),) = verdict_table([view])
    assert cell is not None
    assert (cell.interval, cell.words) == ("+0.0000 to +0.0200", "undecided")


def test_the_table_begins_with_the_hardest_to_beat() -> None:
    """EASE is ahead by 0.03, random behind by 0.27."""
    names = [name for name, _ in verdict_table(views(COMPARISONS))]
    assert (names[0], names[-1]) == ("EASE", "Random")


def test_bars_are_centered_on_zero() -> None:
    """The widest end, 0.28, is half the width, so 0.27 is at 50 + 50 × 0.27 / 0.28 = 98.2."""
    *_, (_, cells) = verdict_table(views(COMPARISONS))
    assert cells[0] is not None
    assert (cells[0].low, cells[0].middle, cells[0].high) == (96.4, 98.2, 100.0)


def test_a_baseline_that_one_view_lacks_leaves_a_gap() -> None:
    """The baseline iALS is compared by NDCG, but not by HR."""
    rows = [comparison("ials", 0.1), comparison("gmf", 0.1), comparison("gmf", 0.1, name="hr")]
    assert dict(verdict_table(views(rows)))["iALS"][1] is None


def test_a_difference_has_a_sign_and_zero_has_none_of_its_own() -> None:
    """The minus is a real one; a difference that rounds to zero from below is +0.0000."""
    assert [signed(0.021), signed(-0.003)] == ["+0.0210", "−0.0030"]
    (view,) = views([comparison("ials", -0.00001)])
    assert signed(view.rows["ials"].difference) == "+0.0000"
