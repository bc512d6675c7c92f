"""The profile of the data is printed with labels and units."""

from datetime import datetime

from ncf_assets.report.data import FilterRow
from ncf_assets.report.profile import LINES, filter_table, profile_table
from ncf_assets.tables import tables


def test_every_column_of_the_table_is_printed() -> None:
    """Otherwise the report would leave a new column of data_profile out unnoticed."""
    columns = [column.name for column in tables()["data_profile"].columns]
    assert [name for name, _, _ in LINES] == columns


def test_figures_are_printed_with_their_units() -> None:
    """Thousands are separated, shares are percent, times are days."""
    profile = {
        "lines": 12_345,
        "highest_rating": 1234.5,
        "density": 0.2469,
        "interactions_per_user": 6.5,
        "first_time": datetime(1970, 1, 2, 23, 59),
    }
    assert [text for _, text in profile_table(profile).rows] == [
        "12,345",
        "1,234.5",
        "24.7 %",
        "6.5",
        "1970-01-02",
    ]


def test_a_split_without_times_shows_none() -> None:
    """Leave-one-out has no cut."""
    profile = {"split": "leave_one_out", "test_from": None}
    assert profile_table(profile).rows == [("Split", "leave_one_out")]


def test_ratings_that_do_not_differ_are_none() -> None:
    """As those of plays, each of which has the rating 1."""
    assert profile_table({"distinct_ratings": 1}).rows == [
        ("Different ratings", "none: each row counts alike")
    ]
    assert profile_table({"distinct_ratings": 10}).rows == [("Different ratings", "10")]


def test_what_is_not_known_is_not_shown_as_zero() -> None:
    """One figure is known, so there is one line."""
    assert profile_table({"users": 5.0}).rows == [("Users", "5")]


def test_each_filter_has_a_row_of_what_it_takes_away() -> None:
    """Thousands are separated; without filters there is no table."""
    found = filter_table([FilterRow(1, "min_rating 4.0", 12_345, 7, 0)])
    assert found.rows == [("min_rating 4.0", "12,345", "7", "0")]
    assert not filter_table([])
