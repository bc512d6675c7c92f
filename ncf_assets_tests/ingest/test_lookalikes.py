"""What lines look like that are none of reviews, and what to set for it."""

import pytest

from ncf_assets.datasets import Dataset
from ncf_assets.ingest.lookalikes import looks_like
from ncf_assets_tests.ingest.corpus import changed

AMAZON = Dataset("X", "X", "amazon-2023")
TABLE = Dataset("X", "X", "table", separator=",")


@pytest.mark.parametrize(
    ("dataset", "lines", "words"),
    [
        (AMAZON, [changed().decode()], 'look like amazon-2014. Set format = "amazon-2014"'),
        (AMAZON, ['{"customer": 1, "sku": 2}'], "look like JSON with the keys customer, sku. Set"),
        (AMAZON, ['[{"user_id": 1},'], "The file looks like a JSON array. Write one object a line"),
        (
            AMAZON,
            ["1::2::3", "1::3::4"],
            'separated by "::". Set format = "table", separator =',
        ),
        (
            AMAZON,
            ["user\titem\trating"],
            'separated by "\\t". Set format = "table"',
        ),
        (AMAZON, ["1,2,3", "1,2"], "Correct format, columns or path"),  # not as many fields
        (TABLE, ["1;2;3"], 'separated by ";". Set'),
        (TABLE, ["1,2,3"], "Correct format, columns or path"),  # as the registry says
        (TABLE, ['{"user":"1","item":"2"}'], "Correct format, columns or path"),  # a row's values
    ],
)
def test_what_lines_look_like_has_its_remedy(
    dataset: Dataset, lines: list[str], words: str
) -> None:
    """Another of our formats, JSON with other keys, an array, another separator, or nothing."""
    assert words in looks_like(lines, dataset)


def test_a_time_in_another_unit_names_the_unit() -> None:
    """The reason of the rejection says it."""
    table = Dataset("", "", "table")
    reason = "time 1400000000000 is not in seconds between 1971-01-01 and tomorrow (milliseconds?)"
    assert looks_like(["1,2,1400000000000"], table, reason) == 'Set timestamp_unit = "milliseconds"'


def test_a_number_without_a_unit_asks_for_one() -> None:
    """A text that is no time, such as a date in another form, can be read by a query."""
    said = "`t` is {}, not a time (a number needs `timestamp_unit`)"
    table = Dataset("", "", "table")
    assert looks_like(["1,2,14"], table, said.format(14)).startswith("Set timestamp_unit to the un")
    for text in ("x", "07.10.2017"):
        assert "a `query` with strptime" in looks_like([f"1,2,{text}"], table, said.format(text))
