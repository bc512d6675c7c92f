"""The table of verdicts has the size of each difference, and whether it is one."""

from dataclasses import replace

import pytest

from ncf_assets.report.comparisons import views
from ncf_assets.report.scores import read_scores
from ncf_assets.report.verdicts import VerdictRow, verdict_rows
from ncf_assets_tests.report.drawn import DATA, SAMPLED, comparison, metric


def rows_of(comparisons: list) -> dict[str, VerdictRow]:
    """Return the rows by model."""
    return {row.model: row for row in verdict_rows(views(comparisons), read_scores(DATA.metrics))}


def test_a_row_has_the_size_before_the_verdict() -> None:
    """EASE is ahead by .03 of its .32, or 9 %; iALS is behind by .005, which tells nothing."""
    rows = rows_of(DATA.comparisons)
    assert next(iter(rows)) == "EASE"
    assert rows["EASE"] == VerdictRow(
        "EASE", "−0.0300", "−9 %", "−0.0400 to −0.0200", "worse", "", "", "the same"
    )
    ials = rows["iALS"]
    assert (ials.difference, ials.relative, ials.verdict) == ("+0.0050", "+2 %", "undecided")
    assert (ials.because, ials.detectable) == (": too few users", "0.0143")


@pytest.mark.parametrize(
    ("seed_share", "because"),
    [(None, ": too few users"), (0.49, ": too few users"), (0.51, ": seeds differ")],
)
def test_an_undecided_row_says_what_makes_the_interval_wide(
    seed_share: float | None, because: str
) -> None:
    """The larger part of its squared width; a row of few users has no interval."""
    rows = [replace(row, seed_share=seed_share) for row in DATA.comparisons]
    assert rows_of(rows)["iALS"].because == because
    assert rows_of(rows)["EASE"].because == ""


def test_a_view_that_says_otherwise_is_named() -> None:
    """Sampled figures put NeuMF above EASE."""
    rows = [
        replace(row, difference=0.03, ci_low=0.02, ci_high=0.04)
        if (row.baseline, row.protocol) == ("ease", SAMPLED)
        else row
        for row in DATA.comparisons
    ]
    said = rows_of(rows)["EASE"].elsewhere
    assert said == "better by NDCG@10 sampled-99 and HR@10 sampled-99"


def test_a_share_of_nothing_is_not_given() -> None:
    """A model that never hits has a figure of 0."""
    scores = read_scores([metric("ials", "ndcg", 0.0), metric("neumf", "ndcg", 0.1)])
    (row,) = verdict_rows(views([comparison("ials", 0.1)]), scores)
    assert (row.difference, row.relative) == ("+0.1000", "–")


def test_without_comparisons_there_is_no_table() -> None:
    """Nothing was compared."""
    assert verdict_rows([], read_scores(DATA.metrics)) == []
