r"""Turn a line that is a Python dictionary, as in the "loose" dumps of SNAP, into JSON.

These dumps were written with `repr`: they have strings in single or double quotes, `True`, `False`
and `None`. Nothing else is read: no expression is evaluated, and time and memory grow only with the
length of the line, whatever is nested in it. The JSON is parsed in `ncf_assets.ingest.formats`.
"""

import re
from json.encoder import encode_basestring_ascii

# how a dictionary begins whose first key has no apostrophe; no JSON line begins like this
OPENINGS = (b"{'", b"{u'")

# Python's tokens that JSON writes in another way: strings, words, and pieces that are neither
_TOKEN = re.compile(
    r"""
    u?'( [^'\\]*+ (?:\\.[^'\\]*+)*+ )'
    | u?"( [^"\\]*+ (?:\\.[^"\\]*+)*+ )"
    | ( (?<![\d.]) [A-Za-z_]\w* | ['"#] )  # not the exponent of a number
    """,
    re.VERBOSE,
)
_OTHER = 3  # the group of _TOKEN that is not a string
_WORDS = {"True": "true", "False": "false", "None": "null"}
_ESCAPE = re.compile(
    r"\\(?:(['\"\\nrt])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U(0010[0-9a-fA-F]{4}|000[0-9a-fA-F]{5})"
    r"|(.))"
)
_SHORT = {"n": "\n", "r": "\r", "t": "\t"}


def to_json(line: bytes) -> bytes:
    """Return the dictionary as JSON. Raise ValueError for a token that `repr` never writes.

    Brackets, commas, numbers and bytes that are not UTF-8 stay as they are, and the JSON parser
    accepts or rejects them.
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
    """Return the character of one escape."""
    short, two, four, eight, other = found.groups()
    if short is not None:
        return _SHORT.get(short, short)
    if other is not None:
        raise ValueError(f"not a Python dictionary: the escape \\{other} is not one of repr's")
    return chr(int(two or four or eight, 16))
