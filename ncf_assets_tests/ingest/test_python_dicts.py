"""Python dictionaries, as `repr` writes them, become JSON."""

import ast
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ncf_assets.ingest.python_dicts import OPENINGS, to_json

_numbers = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
_values = st.recursive(
    st.one_of(st.none(), st.booleans(), _numbers, st.text()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=8,
)


@settings(max_examples=50)  # to draw a nested value takes long
@given(value=st.dictionaries(st.text(), _values), write=st.sampled_from([repr, ascii]))
def test_what_python_wrote_is_read_as_python_reads_it(value: Any, write: Any) -> None:
    """The JSON means what `ast.literal_eval` reads, whether its characters are escaped or not."""
    text = write(value)
    found = json.loads(to_json(text.encode(errors="surrogatepass")))
    assert found == ast.literal_eval(text) == value


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{'a': open('/etc/passwd')}", "open where"),
        ("{'a': b'x'}", "b where"),
        ("{'a': true}", "true where"),
        ("{'a': inf}", "inf where"),
        ("{'a': 'x}", "' where"),
        ("{'a': 1}  # note", "# where"),
        (r"{'a': '\N{BULLET}'}", r"the escape \N is not one of repr's"),
        (r"{'a': '\101'}", r"the escape \1 is not one of repr's"),
        (r"{'a': '\U00110000'}", r"the escape \U is not one of repr's"),
    ],
)
def test_what_repr_never_writes_is_refused(text: str, found: str) -> None:
    """These are names, calls, comments and other escapes; nothing is evaluated."""
    with pytest.raises(ValueError, match="not a Python dictionary: ") as caught:
        to_json(text.encode())
    assert found in str(caught.value)


def test_json_does_not_open_like_a_dictionary_of_python() -> None:
    """No valid JSON line is taken for a dictionary."""
    assert not json.dumps({"'": 1}).encode().startswith(OPENINGS)
    assert repr({"a": 1}).encode().startswith(OPENINGS)


@pytest.mark.parametrize("part", [b"[", b"'',", b"\\'", b"1e", b'"'])
def test_memory_stays_within_a_multiple_of_the_line(part: bytes) -> None:
    """`ast` would need a hundred MB for 0.5 MB of brackets, strings, quotes or exponents."""
    line = b"{'a': " + part * (500_000 // len(part))
    tracemalloc.start()
    try:
        to_json(line)
    except ValueError as error:
        assert "not a Python dictionary" in str(error)  # noqa: PT017  # some parts are refused
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30e6
