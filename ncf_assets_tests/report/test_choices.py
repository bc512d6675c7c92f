"""The report says what was chosen for each model, from what, and where the values end."""

from ncf_assets.report.caveats import caveats
from ncf_assets.report.choices import choice_table
from ncf_assets.report.data import Choice
from ncf_assets_tests.report.drawn import DATA


def test_each_setting_is_shown_with_its_values() -> None:
    """Those of many, as 31 epochs are, by their ends."""
    assert choice_table(DATA.choices).rows == [
        ("iALS", "regularization", "0.1", "0.05, 0.1", "2", "yes"),
        ("GMF", "epochs", "2", "0 to 30", "4", ""),
    ]


def test_a_choice_at_the_edge_is_a_caveat() -> None:
    """The highest of two penalties was the better one."""
    assert (
        "iALS's regularization, 0.1, is the end of what could be chosen (0.05, 0.1): a better value"
        " may lie beyond." in caveats(DATA)
    )
    assert not any("GMF's epochs" in text for text in caveats(DATA))


def test_no_half_life_is_none() -> None:
    """The configuration has 0 for it."""
    choice = Choice("ease", {"half_life": 0.0}, {"half_life": [1.0, 0.0]}, 2, [])
    assert choice_table([choice]).rows == [("EASE", "half_life", "none", "1, none", "2", "")]
