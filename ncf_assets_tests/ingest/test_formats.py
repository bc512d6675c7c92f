"""One line at a time: what each format accepts, and every reason for which a line is rejected."""

import json
import math
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncf_assets.datasets import Dataset
from ncf_assets.ingest.formats import parser, suggest_format
from ncf_assets.ingest.review import MICROS, Review
from ncf_assets_tests.ingest.corpus import LINES

TODAY = date(2024, 5, 6)
FIRST = 788_918_400  # 1995-01-01 00:00 UTC: 9,131 days of 86,400 s
LAST = 1_715_126_399  # 2024-05-07 23:59:59 UTC: the end of the day after TODAY
TIME = 1_400_000_000 * MICROS
GOOD = {"reviewerID": "A1", "asin": "B1", "overall": 4.0, "unixReviewTime": 1_400_000_000}


def _parse(line: bytes | str, source: str = "amazon-2014") -> Review | str:
    raw = line if isinstance(line, bytes) else line.encode()
    dataset = Dataset("X", "X", source)
    return parser(dataset, TODAY)(raw)


def _changed(**values: object) -> str:
    return json.dumps(GOOD | values)


@pytest.mark.parametrize("source", ["amazon-2014", "amazon-2018"])
def test_the_2014_and_2018_files_read_alike(source: str) -> None:
    """Keys that are not needed do not matter, whatever their order and shape."""
    line = _changed(reviewText='a "quoted" \u00e9 \\n', helpful=[1, 2], style={"Size:": " 7"})
    assert _parse(line, source) == Review("A1", "B1", 4.0, TIME)


def test_nan_in_keys_that_nobody_reads_does_not_matter() -> None:
    """Python writes NaN, which JSON does not have; within a text it is only a word."""
    line = _changed(vote=float("nan"), price=float("-inf"), text='NaN "NaN" \\', asin="NaN")
    assert _parse(line, "amazon-2018") == Review("A1", "NaN", 4.0, TIME)


def test_the_2023_files_have_milliseconds_and_the_parent_item() -> None:
    """The milliseconds stay; `asin` is another variant's id."""
    line = (
        '{"rating": 5.0, "asin": "no", "parent_asin": "B1", "user_id": "A1", '
        '"timestamp": 1547589356557}'
    )
    assert _parse(line, "amazon-2023") == Review("A1", "B1", 5.0, 1_547_589_356_557_000)


@pytest.mark.parametrize("time", [FIRST, LAST])
def test_the_first_and_the_last_valid_second_are_accepted(time: int) -> None:
    """Times run from 1995-01-01 to the end of tomorrow."""
    assert _parse(_changed(unixReviewTime=time)) == Review("A1", "B1", 4.0, time * MICROS)


@pytest.mark.parametrize("rating", [1, 1.0, 2.5, 0, -3, 12_345])
def test_a_rating_may_be_a_whole_or_a_decimal_number(rating: float) -> None:
    """Scales are the file's own: half stars, 0 to 10, numbers of plays."""
    assert _parse(_changed(overall=rating)) == Review("A1", "B1", float(rating), TIME)


def _time(shown: object, hint: str = "", unit: str = "seconds") -> str:
    return f"time {shown} is not in {unit} between 1995-01-01 and tomorrow{hint}"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "blank line"),
        (b" \t\r", "blank line"),
        (b"hello", "not JSON: invalid character"),
        (b'{"reviewerID": "A1"', "not JSON: the line ends too early"),
        (b"{'reviewerID': 'A1'}", "missing key `asin`"),  # Python, read as well
        (_changed() + " x", "not JSON: trailing characters"),
        (b"[1, 2]", "not a JSON object"),
        (b'{"x": ' + b"[" * 100_000, "nested too deep"),
        (b'{"reviewerID": "\xff"}', "not UTF-8"),
        (b"{}", "missing key `reviewerID`"),
        (_changed().replace("asin", "ASIN"), "missing key `asin`"),
        (_changed(reviewerID=None), "`reviewerID` is not text"),
        (_changed(asin=12), "`asin` is not text"),
        (_changed(reviewerID=""), "empty `reviewerID`"),
        (_changed(asin=" "), "empty `asin`"),
        (_changed(overall=None), "`overall` is not a number"),
        (_changed(overall="5"), "`overall` is not a number"),
        (_changed(overall=True), "`overall` is not a number"),
        (_changed(overall=float("nan")), "`overall` is not a number"),
        (_changed(overall=float("inf")), "`overall` is not a number"),
        (_changed().replace("4.0", "1e400"), "`overall` is out of range"),
        (_changed(unixReviewTime=None), "`unixReviewTime` is not a whole number"),
        (_changed(unixReviewTime=1.4e9), "`unixReviewTime` is not a whole number"),
        (_changed(unixReviewTime=0), _time(0)),
        (_changed(unixReviewTime=-1), _time(-1)),
        (_changed(unixReviewTime=FIRST - 1), _time(FIRST - 1)),
        (_changed(unixReviewTime=LAST + 1), _time(LAST + 1)),
        (_changed(unixReviewTime=10**30), _time("1" + "0" * 19 + "…")),
        (_changed(unixReviewTime=1400000000000), _time(1400000000000, " (milliseconds?)")),
    ],
)
def test_a_json_line_is_rejected_with_its_reason(line: bytes | str, reason: str) -> None:
    """There is one case per rule, in the file's own terms."""
    assert _parse(line) == reason


def test_seconds_where_milliseconds_belong_are_named() -> None:
    """The time 1,400,000,000 ms would be 17 January 1970."""
    line = '{"user_id": "A", "parent_asin": "B", "rating": 1, "timestamp": 1400000000}'
    assert _parse(line, "amazon-2023") == _time(1_400_000_000, " (seconds?)", "milliseconds")


@given(
    line=st.binary(max_size=200).map(lambda raw: raw.replace(b"\n", b"")),
    source=st.sampled_from(["amazon-2014", "amazon-2023"]),
)
def test_any_bytes_become_a_review_or_a_reason(line: bytes, source: str) -> None:
    """No line raises an error, whatever its bytes are."""
    found = _parse(line, source)
    assert isinstance(found, Review) or found.strip()


@pytest.mark.parametrize(("name", "line", "found"), LINES, ids=[name for name, *_ in LINES])
def test_the_corpus_gives_what_it_says(name: str, line: bytes, found: Review | str) -> None:
    """Each known case is parsed by itself; a line that is too long never gets to the parser."""
    if name != "50 MB":
        assert _parse(line) == found


_numbers = st.one_of(st.none(), st.booleans(), st.text(max_size=3), st.integers(), st.floats())


@given(rating=_numbers, time=_numbers)
def test_what_is_accepted_keeps_the_rules(rating: object, time: object) -> None:
    """Whatever JSON's values are, an accepted review has valid ones."""
    found = _parse(_changed(overall=rating, unixReviewTime=time))
    if isinstance(found, Review):
        assert math.isfinite(found.rating)
        assert FIRST * MICROS <= found.timestamp <= LAST * MICROS


@pytest.mark.parametrize(
    ("line", "source"),
    [
        (_changed(), "amazon-2014"),
        (_changed(verified=True), "amazon-2018"),
        (
            '{"user_id": "A", "parent_asin": "B", "rating": 1, "timestamp": 1400000000000}',
            "amazon-2023",
        ),
        ("hello", None),
        ('{"reviewerID": "A", "asin": "B", "overall": "9", "unixReviewTime": 1400000000}', None),
        ("\ud800", None),  # half a surrogate pair, which UTF-8 cannot hold
    ],
)
def test_a_format_is_suggested_that_accepts_a_line(line: str, source: str | None) -> None:
    """The first line may be a header, so one line that fits is enough."""
    assert suggest_format(["# a header", line]) == source


def test_no_lines_suggest_no_format() -> None:
    """Without lines nothing is known."""
    assert suggest_format([]) is None


def test_a_time_in_the_future_does_not_hide_the_format() -> None:
    """4,102,444,800 s is 2100-01-01: the values are wrong, the format is right."""
    assert suggest_format([_changed(unixReviewTime=4_102_444_800)]) == "amazon-2014"
