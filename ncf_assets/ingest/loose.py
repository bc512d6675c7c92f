r"""A line that is a Python dictionary, as the "loose" dumps of SNAP hold it, to JSON.

They were written with `repr`: strings in single or double quotes, `True`, `False` and `None`. What
`repr` never writes is not read: no expression is evaluated, and time and memory grow with the
length of the line alone, whatever is nested in it. How the JSON reads is
`ncf_assets.ingest.formats`' concern.
"""

import re
from json.encoder import encode_basestring_ascii

OPENINGS = (b"{'", b"{u'")  # of a dictionary whose first key has no apostrophe; JSON has neither

# Python's tokens that JSON writes otherwise: strings, words, and what is left over of either
_TOKEN = re.compile(
    r"""
    u?'( [^'\\]*+ (?:\\.[^'\\]*+)*+ )'
    | u?"( [^"\\]*+ (?:\\.[^"\\]*+)*+ )"
    | ( (?<![\d.]) [A-Za-z_]\w* | ['"#] )  # not the exponent of a number
    """,
    re.VERBOSE,
)
_OTHER = 3  # the group of _TOKEN that is no string
_WORDS = {"True": "true", "False": "false", "None": "null"}
_ESCAPE = re.compile(
    r"\\(?:(['\"\\nrt])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U(0010[0-9a-fA-F]{4}|000[0-9a-fA-F]{5})"
    r"|(.))"
)
_SHORT = {"n": "\n", "r": "\r", "t": "\t"}


def to_json(line: bytes) -> bytes:
    """Return the dictionary as JSON; raises ValueError for what `repr` would not have written.

    Brackets, commas and numbers are left as they stand, and bytes that are not UTF-8 as well: the
    reader of the JSON judges them.
    """
    text = line.decode(errors="surrogateescape")
    return _TOKEN.sub(_token, text).encode(errors="surrogateescape")


def _token(found: re.Match[str]) -> str:
    group = found.lastindex or _OTHER
    text = found[group]
    if group == _OTHER:
        if text not in _WORDS:
            raise ValueError(f"not a Python dictionary: {text[:20]} where a value belongs")
        return _WORDS[text]
    if "\\" in text:
        text = _ESCAPE.sub(_unescaped, text)
    return str(encode_basestring_ascii(text))


def _unescaped(found: re.Match[str]) -> str:
    """The character of one escape."""
    short, two, four, eight, other = found.groups()
    if short is not None:
        return _SHORT.get(short, short)
    if other is not None:
        raise ValueError(f"not a Python dictionary: the escape \\{other} is not one of repr's")
    return chr(int(two or four or eight, 16))
