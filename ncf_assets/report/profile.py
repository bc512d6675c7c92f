"""Describe the data: format the tables `data_profile` and `filters` as text.

The former is computed in SQL, in `ncf_assets.tables`, and the latter with `latest_reviews`.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ncf_assets.report.data import FilterRow
from ncf_assets.report.text_table import TextTable


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _share(value: float) -> str:
    return f"{100 * value:.3g} %"


def _middle(value: float) -> str:
    return f"{value:,.1f}".removesuffix(".0")


def _rating(value: float) -> str:
    return f"{value:,.12g}"


def _distinct(value: float) -> str:
    return "none: each row counts alike" if value == 1 else _count(value)


def _day(value: datetime) -> str:
    return f"{value:%Y-%m-%d}"


LINES: tuple[tuple[str, str, Callable[[Any], str]], ...] = (  # column, label, format
    ("lines", "Rows of the source", _count),
    ("rejected", "Rows rejected", _count),
    ("duplicates", "Earlier rows of the same user and item, dropped", _count),
    ("lowest_rating", "Lowest rating", _rating),
    ("highest_rating", "Highest rating", _rating),
    ("distinct_ratings", "Different ratings", _distinct),
    ("filtered", "Pairs of user and item that filters take away", _count),
    ("filtered_users", "Users that filters take away", _count),
    ("filtered_items", "Items that filters take away", _count),
    ("users", "Users", _count),
    ("items", "Items", _count),
    ("interactions", "Interactions", _count),
    ("density", "Density: interactions / (users × items)", _share),  # noqa: RUF001
    ("interactions_per_user", "Interactions per user, median", _middle),
    ("interactions_per_item", "Interactions per item, median", _middle),
    ("split", "Split", str),
    ("targets", "Tested of a user's latest interactions", str),
    ("validation_from", "Validation begins (UTC)", _day),
    ("test_from", "Test begins: the cut (UTC)", _day),
    ("train", "Interactions for training", _count),
    ("validation", "Interactions for validation", _count),
    ("test", "Interactions for testing", _count),
    ("untested", "Interactions for none of these", _count),
    ("test_users", "Users with a test item", _count),
    ("new_test_users", "Test users without an interaction in train or validation", _count),
    ("cold_test", "Test items that nobody has in train or validation", _count),
    ("new_items", "Items that nobody has in train or validation", _count),
    ("later_known", "Train and validation later than a test item, on average", _share),
    ("tied_users", "Test users whose last time is that of several items", _share),
    ("single_day_users", "Test users whose interactions are all of one day", _share),
    ("first_time", "First interaction (UTC)", _day),
    ("last_time", "Last interaction (UTC)", _day),
)


def profile_table(profile: Mapping[str, Any]) -> TextTable:
    """Return a line for each known figure of the profile; unknown ones are left out."""
    rows = [
        (label, shown(profile[name]))
        for name, label, shown in LINES
        if profile.get(name) is not None
    ]
    return TextTable(("Data", "Figure"), rows)


def filter_table(filters: Sequence[FilterRow]) -> TextTable:
    """Return a row for each filter that is set, in the order in which they apply."""
    rows = [(of.filter, *map(_count, (of.pairs, of.users, of.items))) for of in filters]
    return TextTable(("Filter", "Pairs of user and item", "Users", "Items"), rows)
