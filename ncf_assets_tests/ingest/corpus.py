"""Lines of real and hostile files, each with the review or the reason that it must give."""

import json
from typing import Any

from ncf_assets.ingest.reader import LONGEST_LINE
from ncf_assets.ingest.review import MICROS, Review

GOOD = {"reviewerID": "A1", "asin": "B1", "overall": 4.0, "unixReviewTime": 1_400_000_000}
SECONDS = "seconds between 1995-01-01 and tomorrow"


def changed(**values: Any) -> bytes:
    """Return the good line as JSON, with other values."""
    return json.dumps(GOOD | values).encode()


def of(user: str, item: str = "B1") -> Review:
    """Return the good line's review by another user, of another item."""
    return Review(user, item, 4.0, 1_400_000_000 * MICROS)


# ids that must arrive unchanged, each different from all others
IDS = [
    "A1",
    "a1",  # case
    "A1 ",  # trailing space
    " A1",
    "A1\t",
    "A1\n",
    'A"1',
    "A'1",
    "A\\1",
    "A,1",
    "A\x00",
    "<script>alert(1)</script>",
    "'; drop table users; --",
    "../../etc/passwd",
    "{{ 7 * 7 }}",
    "読者",
    "قارئ",
    "e\u0301",  # e with a combining accent
    "\u00e9",  # the same letter in one character
    "😀",
    "x" * 10_000,
]
# name, line, the review or reason that it gives
LINES: list[tuple[str, bytes, Review | str]] = [
    *((f"id {id_[:12]!r}", changed(reviewerID=id_), of(id_)) for id_ in IDS),
    *(("ids in both places", changed(reviewerID=id_, asin=id_), of(id_, id_)) for id_ in IDS[:4]),
    ("Python's dictionary", repr(GOOD | {"x": [True, None]}).encode(), of("A1")),
    (
        "Python's both quotes",
        repr({"reviewerText": 'it\'s "so"\t\\'} | GOOD | {"asin": "B'1"}).encode(),
        of("A1", "B'1"),
    ),
    ("Python 2's dictionary", repr(GOOD).replace("'A1'", r"u'A\xe91'").encode(), of("A\u00e91")),
    ("nested objects", changed(style={"a": {"b": [{"c": "}"}]}}), of("A1")),
    ("a key given twice", changed()[:-1] + b', "asin": "B2"}', of("A1", "B2")),
    ("bytes in the text", changed()[:-1] + b', "reviewText": "\xff\xfe"}', of("A1")),
    ("spaces around", b" \t" + changed() + b" \r", of("A1")),
    ("a whole rating", changed(overall=4), of("A1")),
    ("nothing", b"", "blank line"),
    ("spaces alone", b" \t \r", "blank line"),
    ("prose", b"hello", "not JSON: invalid character"),
    ("half a line", changed()[:30], "not JSON: the line ends too early"),
    ("two objects", changed() * 2, "not JSON: trailing characters"),
    ("a list", b"[1, 2]", "not a JSON object"),
    ("HTML", b"<!DOCTYPE html>", "not JSON: invalid character"),
    ("a missing key", changed().replace(b"asin", b"ASIN"), "missing key `asin`"),
    ("null", changed(asin=None), "`asin` is not text"),
    ("a number as id", changed(reviewerID=12), "`reviewerID` is not text"),
    ("an object as id", changed(reviewerID={"a": 1}), "`reviewerID` is not text"),
    ("an empty id", changed(reviewerID=""), "empty `reviewerID`"),
    ("a blank id", changed(asin=" \u3000"), "empty `asin`"),
    ("an id with bytes", changed(asin="#").replace(b"#", b"\xff"), "not UTF-8"),
    ("rating as text", changed(overall="5"), "`overall` is not a number"),
    ("NaN", changed(overall=float("nan")), "`overall` is not a number"),
    ("Infinity", changed(overall=float("inf")), "`overall` is not a number"),
    ("-Infinity", changed(overall=float("-inf")), "`overall` is not a number"),
    (
        "Python's nan",
        repr(GOOD | {"overall": float("nan")}).encode(),
        "not a Python dictionary: nan where a value belongs",
    ),
    (
        "an expression",
        repr(GOOD).replace("4.0", "__import__('os')").encode(),
        "not a Python dictionary: __import__ where a value belongs",
    ),
    ("a tuple", repr(GOOD | {"x": (1, 2)}).encode(), "not JSON: invalid character"),
    (
        "a digit too many",
        changed().replace(b"4.0", b"4" + b"0" * 9_999),
        "`overall` is out of range",
    ),
    ("time 0", changed(unixReviewTime=0), f"time 0 is not in {SECONDS}"),
    ("time -1", changed(unixReviewTime=-1), f"time -1 is not in {SECONDS}"),
    (
        "milliseconds",
        changed(unixReviewTime=1_400_000_000_000),
        f"time 1400000000000 is not in {SECONDS} (milliseconds?)",
    ),
    ("far future", changed(unixReviewTime=10**11), f"time 100000000000 is not in {SECONDS}"),
    ("deep nesting", b'{"x": ' + b"[" * 100_000, "nested too deep"),
    ("deep Python nesting", b"{'x': " + b"[" * 100_000, "nested too deep"),
    (
        "50 MB",
        b'{"reviewText": "' + b"x" * 50_000_000 + b'"}',
        f"longer than {LONGEST_LINE >> 20} MiB",
    ),
]
