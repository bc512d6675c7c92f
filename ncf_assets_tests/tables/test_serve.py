"""The popular items, which unknown users are shown, of items drawn by hand."""

from ncf_assets_tests.drawn import select


def test_the_most_popular_come_first_and_equals_by_id() -> None:
    """Of two items with 5 interactions `a` comes before `b`, whatever their numbers are."""
    items = [(0, "b", 5), (1, "z", 9), (2, "a", 5)]
    assert select("popular_items", {"items": items}) == [
        (1, "z", 9.0),
        (2, "a", 5.0),
        (3, "b", 5.0),
    ]


def test_twenty_popular_items_are_enough() -> None:
    """Of 25 items with 1 to 25 interactions, those with 25 down to 6 are listed."""
    items = [(n, f"item{n:02}", n + 1) for n in range(25)]
    scores = [score for _, _, score in select("popular_items", {"items": items})]
    assert scores == [float(n) for n in range(25, 5, -1)]
