"""The paired differences are tabulated, the hardest to beat first."""

from dataclasses import replace

from ncf_assets.report.comparisons import difference_table, signed, views
from ncf_assets_tests.report.drawn import COMPARISONS, SAMPLED, comparison


def test_the_views_are_ndcg_and_hr_at_ten_the_full_ranking_first() -> None:
    """Estimates are not compared."""
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
    assert view.verdict("ials") == "undecided"
    ((_, (cell,)),) = difference_table([view])
    assert cell is not None
    assert (cell.interval, cell.verdict) == ("+0.0000 to +0.0200", "undecided")


def test_the_table_begins_with_the_hardest_to_beat() -> None:
    """EASE is ahead by 0.03, random behind by 0.27."""
    names = [name for name, _ in difference_table(views(COMPARISONS))]
    assert (names[0], names[-1]) == ("EASE", "Random")


def test_bars_are_as_wide_as_the_nearer_half_of_the_models_needs() -> None:
    """By NDCG the farther ends are .013 .015 .02 .04 .04 .06 .1 .17 .28, of which the fifth counts.

    GMF, ahead by .01, is at 50 + 50 × .01 / .04; Random lies beyond.
    """
    cells = {name: of[0] for name, of in difference_table(views(COMPARISONS))}
    gmf, chance = cells["GMF"], cells["Random"]
    assert gmf is not None
    assert (gmf.low, gmf.middle, gmf.high, gmf.beyond) == (50.0, 62.5, 75.0, False)
    assert chance is not None
    assert (chance.low, chance.middle, chance.high, chance.beyond) == (100.0, 100.0, 100.0, True)


def test_a_difference_without_an_interval_is_a_mark_alone() -> None:
    """Few users have none."""
    row = replace(comparison("ials", 0.1), ci_low=None, ci_high=None, detectable=None)
    ((_, (cell,)),) = difference_table(views([row]))
    assert cell is not None
    assert (cell.interval, cell.verdict) == ("–", "undecided")
    assert (cell.low, cell.middle, cell.high) == (100.0, 100.0, 100.0)


def test_a_baseline_that_one_view_lacks_leaves_a_gap() -> None:
    """The baseline iALS is compared by NDCG, but not by HR."""
    rows = [comparison("ials", 0.1), comparison("gmf", 0.1), comparison("gmf", 0.1, name="hr")]
    assert dict(difference_table(views(rows)))["iALS"][1] is None


def test_a_difference_has_a_sign_and_zero_has_none_of_its_own() -> None:
    """The minus is a real one; a difference that rounds to zero from below is +0.0000."""
    assert [signed(0.021), signed(-0.003)] == ["+0.0210", "−0.0030"]
    (view,) = views([comparison("ials", -0.00001)])
    assert signed(view.rows["ials"].difference) == "+0.0000"
