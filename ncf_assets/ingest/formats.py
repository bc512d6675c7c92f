"""Turn one line of a source file into a review, or into the reason why it is none.

This module knows the formats of Amazon's reviews; a table is read in `ncf_assets.ingest.tables`.
What the values must satisfy is in `ncf_assets.ingest.review`, and how a Python dictionary becomes
JSON is in `ncf_assets.ingest.python_dicts`. Line numbers are given in `ncf_assets.ingest.reader`.
"""

import re
from collections.abc import Callable, Iterable
from datetime import date
from typing import TypeVar

import msgspec

from ncf_assets.datasets import Dataset
from ncf_assets.ingest import python_dicts
from ncf_assets.ingest.review import Review, Rules

Parse = Callable[[bytes], Review | str]

_FAR_DAY = date(9999, 1, 1)  # chosen: later than any review

# msgspec's messages, and the reasons that replace them: stable (without byte offsets), and in the
# file's own terms
_REASONS = (
    (r"Object missing required field `(.+)`", r"missing key `\1`"),
    (r"Expected `str`, .* - at `\$\.(.+)`", r"`\1` is not text"),
    (r"Expected `float`, .* - at `\$\.(.+)`", r"`\1` is not a number"),
    (r"Expected `int`, .* - at `\$\.(.+)`", r"`\1` is not a whole number"),
    (r".*out of range - at `\$\.(.+)`", r"`\1` is out of range"),
    (r"Expected `object`, got .*", r"not a JSON object"),
    (r"JSON is malformed: (.+) \(byte \d+\)", r"not JSON: \1"),
    (r"Input data was truncated", r"not JSON: the line ends too early"),
    (r"maximum recursion depth exceeded.*", r"nested too deep"),
    (r"'utf-8' codec can't decode .*", r"not UTF-8"),
)


class _Amazon2014(msgspec.Struct, gc=False):
    """The keys of the 2014 and 2018 files that are read; the time is in seconds."""

    user_id: str = msgspec.field(name="reviewerID")
    item_id: str = msgspec.field(name="asin")
    rating: float = msgspec.field(name="overall")
    time: int = msgspec.field(name="unixReviewTime")


class _Amazon2023(msgspec.Struct, gc=False):
    """The keys of the 2023 files that are read; the time is in milliseconds."""

    user_id: str
    item_id: str = msgspec.field(name="parent_asin")
    rating: float
    time: int = msgspec.field(name="timestamp")


# texts, which stay, and the words for numbers that Python writes and JSON does not have
_NO_NUMBER = re.compile(rb'"(?:[^"\\]|\\.)*+"|-?\b(?:NaN|Infinity)\b')

_Fields = _Amazon2014 | _Amazon2023
_Struct = TypeVar("_Struct", bound=msgspec.Struct)


def parser(dataset: Dataset, today: date) -> Parse:
    """Return the function that turns a line (bytes, without its line feed) into a review.

    A line that is not a review becomes a reason, a short text for people. Only the values that are
    needed are checked: the text that a reviewer wrote may have bytes that are not UTF-8. Times run
    from 1995-01-01 to the end of the day after `today`. Instead of JSON, a line may have a Python
    dictionary, as in the complete files of 2014.
    """
    if dataset.format == "amazon-2023":
        return _json_parser(_Amazon2023, 1000, today)
    return _json_parser(_Amazon2014, 1, today)


def decoder(struct: type[_Struct]) -> Callable[[bytes], _Struct]:
    """Return the function that reads a line as JSON, or as a Python dictionary of the old dumps.

    If a line has a key twice, the last value counts. NaN, which Python writes, is read as null.
    The function raises ValueError, or RecursionError, for a line that is neither.
    """
    decode = msgspec.json.Decoder(struct).decode

    def decode_line(line: bytes) -> _Struct:
        if line.startswith(python_dicts.OPENINGS):
            return decode(python_dicts.to_json(line))
        try:
            return decode(line)
        except msgspec.DecodeError:
            if b"NaN" not in line and b"Infinity" not in line:
                raise
            return decode(_NO_NUMBER.sub(_null_for_no_number, line))

    return decode_line


def suggest_format(first_lines: Iterable[str]) -> str | None:
    """Return the name of a format that accepts one of `first_lines`, or None.

    The message about a file of which every line was rejected suggests it. The 2014 and 2018 files
    have the same keys of those that are read; only the latter have `verified`. A time in the future
    does not exclude a format.
    """
    candidates = [Dataset("", "", "amazon-2014"), Dataset("", "", "amazon-2023")]
    encoded = [line.encode(errors="replace") for line in first_lines]
    for dataset in candidates:
        parse = parser(dataset, _FAR_DAY)
        if fitting := [line for line in encoded if isinstance(parse(line), Review)]:
            newer = dataset.format == "amazon-2014" and b'"verified"' in fitting[0]
            return "amazon-2018" if newer else dataset.format
    return None


def _json_parser(struct: type[_Fields], ticks: int, today: date) -> Parse:
    decode, review = decoder(struct), Rules.of(struct.__struct_encode_fields__, ticks, today).review

    def parse(line: bytes) -> Review | str:
        try:
            found = decode(line)
        except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
            return _reason(str(error)) if line.strip() else "blank line"
        return review(found.user_id, found.item_id, found.rating, found.time)

    return parse


def _null_for_no_number(found: re.Match[bytes]) -> bytes:
    return found[0] if found[0].startswith(b'"') else b"null"


def _reason(message: str) -> str:
    for pattern, reason in _REASONS:
        if found := re.fullmatch(pattern, message, re.DOTALL):
            return found.expand(reason)
    return message
