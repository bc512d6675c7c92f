"""Tell what rejected lines look like, for the message about a file without any review.

What a line is rejected for is decided in `ncf_assets.ingest.formats` and
`ncf_assets.ingest.row_rules`.
"""

import json
import re
from collections.abc import Sequence

from ncf_assets.datasets import Dataset
from ncf_assets.ingest.file_kinds import fields_of
from ncf_assets.ingest.formats import suggest_format

SEPARATORS = ("::", "\t", ";", "|", ",")  # the longest first
_SHOWN = 5  # keys that a message names; chosen


def looks_like(lines: Sequence[str], dataset: Dataset, reason: str = "") -> str:
    """Return what lines look like and what to set for it, or what to look at.

    `reason` is why they are rejected; that of a time names the unit in which it would be valid, or
    says that none is stated.
    """
    if dataset.format == "table" and (unit := re.search(r"\((\w+)\?\)$", reason)):
        return f'Set timestamp_unit = "{unit[1]}"'
    if dataset.format == "table" and re.search(r" is [-+]?\d+(\.\d*)?, not a time", reason):
        return 'Set timestamp_unit to the unit of these numbers, such as "seconds",'
    if dataset.format == "table" and is_no_time(reason):
        by_query = "read them by a `query` with strptime"
        return f"Write times as in 2017-10-07 12:30, {by_query}, or correct `columns`"
    lines = [line for line in lines if line.strip()]
    if lines and dataset.format != "table":
        if (known := suggest_format(lines)) and known != dataset.format:
            return f'The lines look like {known}. Set format = "{known}"'
        if keys := _keys(lines[0]):
            return (
                f"The lines look like JSON with the keys {', '.join(keys)}. Set format ="
                ' "table" and `columns`'
            )
        if lines[0].startswith("["):
            return "The file looks like a JSON array. Write one object a line, or correct path"
    separator = separator_of(lines)
    if separator and (dataset.format != "table" or separator != dataset.separator):
        shown = json.dumps(separator)
        return (
            f'The lines look like text separated by {shown}. Set format = "table", separator ='
            f" {shown} and `columns`"
        )
    return "Correct format, columns or path"


def is_no_time(reason: str) -> bool:
    """Return whether a row is rejected as its time is a text of another form."""
    return ", not a time" in reason


def separator_of(lines: Sequence[str]) -> str | None:
    """Return what separates each line into as many fields, 3 or more; None if nothing does.

    A field may be in double quotes.
    """
    for separator in SEPARATORS:
        counts = {len(fields_of(line, separator, '"')) for line in lines}
        if len(counts) == 1 and counts.pop() > 2:
            return separator
    return None


def _keys(line: str) -> list[str]:
    """Return the first keys of a line of JSON; none if it is no JSON object."""
    try:
        found = json.loads(line)
    except ValueError:
        return []
    return list(found)[:_SHOWN] if isinstance(found, dict) else []
