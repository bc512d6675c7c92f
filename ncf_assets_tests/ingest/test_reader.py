"""Every line of a file comes out once, accepted or rejected."""

import gzip
import tempfile
import tracemalloc
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncf_assets.datasets import Dataset
from ncf_assets.ingest import compression, reader
from ncf_assets.ingest.reader import ACCEPTED, REJECTED, TEXT_KEPT, read
from ncf_assets.ingest.review import MICROS, Review
from ncf_assets_tests.ingest.corpus import LINES

DATASET = Dataset("X", "X", "amazon-2014")
TODAY = date(2024, 5, 6)
TIME = datetime(2014, 5, 13, 16, 53, 20)  # 1,400,000,000 s
GOOD = b'{"reviewerID": "A1", "asin": "B1", "overall": 4.0, "unixReviewTime": 1400000000}'


def _read(
    path: Path, batch_rows: int = 100_000, dataset: Dataset = DATASET
) -> tuple[list[Any], list[Any]]:
    """Return the accepted and the rejected rows of all batches, as tuples."""
    accepted, rejected = [], []
    for batch in read(path, dataset, TODAY, batch_rows):
        assert batch.accepted.schema == ACCEPTED
        assert batch.rejected.schema == REJECTED
        accepted += [tuple(row.values()) for row in batch.accepted.to_pylist()]
        rejected += [tuple(row.values()) for row in batch.rejected.to_pylist()]
    return accepted, rejected


def _file(folder: Path, content: bytes) -> Path:
    path = folder / "reviews.json.gz"
    path.write_bytes(content)
    return path


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read blocks of 7 bytes, so that lines and characters cross their borders."""
    monkeypatch.setattr(compression, "BLOCK", 7)


@pytest.mark.parametrize(
    ("dataset", "line"),
    [
        (DATASET, GOOD),
        (Dataset("X", "X", "amazon-2018"), GOOD.replace(b"{", b'{"verified": true, ')),
        (
            Dataset("X", "X", "amazon-2023"),
            b'{"user_id": "A1", "parent_asin": "B1", "rating": 4, "timestamp": 1400000000000}',
        ),
    ],
)
def test_every_format_gives_the_same_rows(tmp_path: Path, dataset: Dataset, line: bytes) -> None:
    """Units and the order of columns are the file's own, and the rows are the same."""
    row = ("A1", "B1", 4.0, TIME)
    for end in (b"\n", b"\r\n"):
        accepted, rejected = _read(_file(tmp_path, line + end + line), dataset=dataset)
        assert accepted == [(1, *row), (2, *row)]
        assert rejected == []


REJECTED_LINES = [
    (b"", "blank line"),
    (b" \t", "blank line"),
    (b'{"reviewerID": "A1"', "not JSON: the line ends too early"),
    (GOOD.replace(b"asin", b"item"), "missing key `asin`"),
    (GOOD.replace(b"4.0", b'"4.0"'), "`overall` is not a number"),
    (GOOD.replace(b"4.0", b"null"), "`overall` is not a number"),
    (GOOD.replace(b'"B1"', b'""'), "empty `asin`"),
    (
        GOOD.replace(b'"B1"', b'"\\ud800"'),
        "not JSON: unexpected end of escaped utf-16 surrogate pair",
    ),
]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_rejected_line_keeps_its_text_and_reason(tmp_path: Path, end: bytes) -> None:
    """The text is that of the file, without the line's end."""
    path = _file(tmp_path, b"".join(line + end for line, _ in REJECTED_LINES))
    accepted, rejected = _read(path)
    assert accepted == []
    assert rejected == [
        (number, reason, line.decode()) for number, (line, reason) in enumerate(REJECTED_LINES, 1)
    ]


ROWS = (
    [(1, "A1", "B1", 4.0, TIME), (4, "A1", "B1", 4.0, TIME)],
    [(2, "blank line", ""), (3, "not JSON: invalid character", "n\u00e9e \\xff")],
)
CONTENT = GOOD + b"\n\n" + "née ".encode() + b"\xff\n" + GOOD


@pytest.mark.parametrize("end", [b"", b"\n"])
@pytest.mark.usefixtures("small_blocks")
def test_every_line_has_its_number_from_1(tmp_path: Path, end: bytes) -> None:
    """A last line counts with or without a line feed; bytes that are not UTF-8 stay legible."""
    assert _read(_file(tmp_path, CONTENT + end)) == ROWS


def test_crlf_and_a_byte_order_mark_are_tolerated(tmp_path: Path) -> None:
    """The line ends and the mark of Windows belong to no line."""
    content = b"\xef\xbb\xbf" + CONTENT.replace(b"\n", b"\r\n")
    assert _read(_file(tmp_path, content)) == ROWS


def test_a_carriage_return_alone_ends_no_line(tmp_path: Path) -> None:
    """Within JSON it is white space."""
    accepted, rejected = _read(_file(tmp_path, GOOD.replace(b", ", b",\r")))
    assert len(accepted) == 1
    assert not rejected


def test_several_gzip_members_are_one_file(tmp_path: Path) -> None:
    """`cat a.gz b.gz` makes such files; a line may cross two members, and one may be empty."""
    members = CONTENT[:40], b"", CONTENT[40:], b""
    assert _read(_file(tmp_path, b"".join(map(gzip.compress, members)))) == ROWS


def test_a_line_of_several_blocks_is_one_line(tmp_path: Path) -> None:
    """The line has 3 MiB of review text, which are many blocks."""
    long = GOOD.replace(b"{", b'{"reviewText": "' + b"x" * (3 << 20) + b'", ')
    accepted, rejected = _read(_file(tmp_path, b"\n".join([GOOD, long, GOOD])))
    assert [row[0] for row in accepted] == [1, 2, 3]
    assert not rejected


def test_batches_end_at_the_rows_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a line per block, 5 lines in batches of 2 are 2 + 2 + 1; the numbers go on."""
    monkeypatch.setattr(compression, "BLOCK", len(GOOD) + 1)
    path = _file(tmp_path, (GOOD + b"\n") * 5)
    batches = [batch.accepted["line"].to_pylist() for batch in read(path, DATASET, TODAY, 2)]
    assert batches == [[1, 2], [3, 4], [5]]


def test_a_batch_ends_with_a_block_not_within_it(tmp_path: Path) -> None:
    """All 5 lines of one block are one batch, however few rows are asked for."""
    path = _file(tmp_path, (GOOD + b"\n") * 5)
    assert [batch.accepted.num_rows for batch in read(path, DATASET, TODAY, 1)] == [5]


def test_long_lines_end_a_batch_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded by bytes as well as by rows."""
    monkeypatch.setattr(compression, "BLOCK", len(GOOD) + 1)
    monkeypatch.setattr(reader, "_BATCH_BYTES", 1)
    path = _file(tmp_path, (GOOD + b"\n") * 2)
    assert [b.accepted.num_rows for b in read(path, DATASET, TODAY)] == [1, 1]


SHORT = [(line, found) for _, line, found in LINES if len(line) < 1000]
_lines = st.lists(
    st.one_of(
        st.sampled_from(SHORT),
        st.binary(max_size=30).map(lambda raw: (raw.replace(b"\n", b" "), "")),
    )
)


@given(
    lines=_lines,
    packed=st.booleans(),
    ended=st.booleans(),
    batch_rows=st.integers(1, 4),
    block=st.integers(1, 100),
)
def test_every_line_comes_out_exactly_once(
    lines: list[tuple[bytes, Review | str]],
    packed: bool,
    ended: bool,
    batch_rows: int,
    block: int,
) -> None:
    """Known cases and any bytes, cut anywhere into blocks, become reviews or texts, in order."""
    # a first and a last line without magic bytes or a byte order mark, so that nothing is empty
    lines = [(GOOD, Review("A1", "B1", 4.0, 1_400_000_000 * MICROS)), *lines, (b"the end", "")]
    content = b"\n".join(line for line, _ in lines) + b"\n" * ended
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(compression, "BLOCK", block)
        path = _file(Path(folder), gzip.compress(content) if packed else content)
        accepted, rejected = _read(path, batch_rows)
    assert len(accepted) + len(rejected) == len(lines)
    assert accepted == [
        (number, *found[:3], TIME)
        for number, (_, found) in enumerate(lines, 1)
        if isinstance(found, Review)
    ]
    assert [(number, text) for number, _, text in rejected] == [
        (number, line.removesuffix(b"\r").decode(errors="backslashreplace"))
        for number, (line, found) in enumerate(lines, 1)
        if isinstance(found, str)
    ]


def test_every_line_of_the_corpus_is_accepted_or_kept_with_its_reason(tmp_path: Path) -> None:
    """One file with all known cases gives their reviews, and number, reason and text of others."""
    lines = [line for _, line, _ in LINES]
    accepted, rejected = _read(_file(tmp_path, gzip.compress(b"\n".join(lines), 1)))
    assert len(accepted) + len(rejected) == len(lines)
    assert accepted == [
        (number, *found[:3], TIME)
        for number, (*_, found) in enumerate(LINES, 1)
        if not isinstance(found, str)
    ]
    expected = [(n, found) for n, (*_, found) in enumerate(LINES, 1) if isinstance(found, str)]
    assert [(number, reason) for number, reason, _ in rejected] == expected
    for number, _, text in rejected:
        line = lines[number - 1].removesuffix(b"\r")
        if len(line) <= TEXT_KEPT:
            assert text == line.decode(errors="backslashreplace")
        else:
            assert text == f"{line[:TEXT_KEPT].decode()}… ({len(line):,} bytes in all)"


def test_a_long_text_is_cut_between_characters(tmp_path: Path) -> None:
    """The last of the two-byte characters is halved after 65,536 bytes, and is left out."""
    line = b"x" + "é".encode() * (TEXT_KEPT // 2)
    _, [(_, _, text)] = _read(_file(tmp_path, line))
    assert text == "x" + "é" * (TEXT_KEPT // 2 - 1) + "… (65,537 bytes in all)"


@pytest.mark.parametrize("end", [b"", b"\n", b"\n" + GOOD])
def test_a_line_that_is_too_long_is_rejected_and_the_next_ones_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: bytes
) -> None:
    """The line is one byte above the limit; the line at the limit is a review."""
    limit = 10 + len(GOOD)
    monkeypatch.setattr(reader, "LONGEST_LINE", limit)
    monkeypatch.setattr(compression, "BLOCK", 10)
    fits, too_long = GOOD + b" " * 10, GOOD + b" " * 11
    accepted, rejected = _read(_file(tmp_path, fits + b"\n" + too_long + end))
    assert [number for number, *_ in accepted] == ([1, 3] if end.endswith(GOOD) else [1])
    assert rejected == [(2, "longer than 0 MiB", too_long.decode())]


def test_a_file_of_one_endless_line_takes_constant_memory(tmp_path: Path) -> None:
    """A JSON array of 200 MB without a line feed is rejected, and 64 KiB of its text are kept."""
    path = tmp_path / "array.json.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b"[")
        for _ in range(200):
            file.write(b"1," * 500_000)
    tracemalloc.start()
    accepted, [(number, reason, text)] = _read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (accepted, number, reason) == ([], 1, "longer than 16 MiB")
    assert text == "[" + "1," * 32_767 + "1… (200,000,001 bytes in all)"
    assert peak < 60e6


def test_a_file_of_blank_lines_takes_little_memory(tmp_path: Path) -> None:
    """All 300,000 lines are rejected, batch by batch."""
    path = _file(tmp_path, gzip.compress(b"\n" * 300_000))
    tracemalloc.start()
    numbers = [batch.rejected.num_rows for batch in read(path, DATASET, TODAY)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(numbers) == 300_000
    assert peak < 60e6
