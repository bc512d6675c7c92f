"""Whole files: every line once, any packing, and errors that name the remedy."""

import gzip
import hashlib
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncf_assets.datasets import Dataset
from ncf_assets.ingest import reader
from ncf_assets.ingest.reader import ACCEPTED, REJECTED, SourceError, fingerprint, read

DATASET = Dataset("X", "X", "amazon-2014")
TODAY = date(2024, 5, 6)
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
    """Blocks of 7 bytes, so that lines and characters cross their borders."""
    monkeypatch.setattr(reader, "_BLOCK", 7)


CSV = Dataset("X", "X", "ratings-csv", csv_columns=("item", "timestamp", "user", "rating"))


@pytest.mark.parametrize(
    ("dataset", "line"),
    [
        (DATASET, GOOD),
        (Dataset("X", "X", "amazon-2018"), GOOD.replace(b"{", b'{"verified": true, ')),
        (
            Dataset("X", "X", "amazon-2023"),
            b'{"user_id": "A1", "parent_asin": "B1", "rating": 4, "timestamp": 1400000000999}',
        ),
        (CSV, b"B1,1400000000,A1,4"),
        (CSV, b'"B1",1400000000,"A1",4.0'),
    ],
)
def test_every_format_gives_the_same_rows(tmp_path: Path, dataset: Dataset, line: bytes) -> None:
    """Milliseconds become whole seconds; a CSV file's columns come in the registry's order."""
    row = ("A1", "B1", 4.0, 1_400_000_000)
    for end in (b"\n", b"\r\n"):
        accepted, rejected = _read(_file(tmp_path, line + end + line), dataset=dataset)
        assert accepted == [(1, *row), (2, *row)]
        assert rejected == []


def test_quotes_and_commas_within_a_csv_value_are_kept(tmp_path: Path) -> None:
    """RFC 4180: a quoted value may hold commas, and quotes written twice."""
    accepted, _ = _read(_file(tmp_path, b'"B,1",1400000000,"A""1",4'), dataset=CSV)
    assert accepted == [(1, 'A"1', "B,1", 4.0, 1_400_000_000)]


REJECTED_LINES = [
    (b"", "blank line"),
    (b" \t", "blank line"),
    (b'{"reviewerID": "A1"', "not JSON: the line ends too early"),
    (GOOD.replace(b"asin", b"item"), "missing key `asin`"),
    (GOOD.replace(b"4.0", b'"4.0"'), "`overall` is not a number"),
    (GOOD.replace(b"4.0", b"6"), "`overall` is 6, not within 1 to 5"),
    (GOOD.replace(b'"B1"', b'""'), "empty `asin`"),
    (
        GOOD.replace(b'"B1"', b'"\\ud800"'),
        "not JSON: unexpected end of escaped utf-16 surrogate pair",
    ),
]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_rejected_line_keeps_its_text_and_reason(tmp_path: Path, end: bytes) -> None:
    """Without its line end, and otherwise as it stands in the file."""
    path = _file(tmp_path, b"".join(line + end for line, _ in REJECTED_LINES))
    accepted, rejected = _read(path)
    assert accepted == []
    assert rejected == [
        (number, reason, line.decode()) for number, (line, reason) in enumerate(REJECTED_LINES, 1)
    ]


ROWS = (
    [(1, "A1", "B1", 4.0, 1_400_000_000), (4, "A1", "B1", 4.0, 1_400_000_000)],
    [(2, "blank line", ""), (3, "not JSON: invalid character", "n\u00e9e \\xff")],
)
CONTENT = GOOD + b"\n\n" + "née ".encode() + b"\xff\n" + GOOD


@pytest.mark.parametrize("end", [b"", b"\n"])
@pytest.mark.usefixtures("small_blocks")
def test_every_line_has_its_number_from_1(tmp_path: Path, end: bytes) -> None:
    """A last line counts with or without a line feed; bytes that are not UTF-8 stay legible."""
    assert _read(_file(tmp_path, CONTENT + end)) == ROWS


def test_crlf_and_a_byte_order_mark_are_tolerated(tmp_path: Path) -> None:
    """Windows' line ends and mark belong to no line."""
    content = b"\xef\xbb\xbf" + CONTENT.replace(b"\n", b"\r\n")
    assert _read(_file(tmp_path, content)) == ROWS


def test_a_carriage_return_alone_ends_no_line(tmp_path: Path) -> None:
    """Within JSON it is white space."""
    accepted, rejected = _read(_file(tmp_path, GOOD.replace(b", ", b",\r")))
    assert len(accepted) == 1
    assert not rejected


def test_packing_is_seen_in_the_bytes_not_in_the_name(tmp_path: Path) -> None:
    """The same rows come from plain and gzipped bytes under one name."""
    assert _read(_file(tmp_path, CONTENT)) == ROWS
    assert _read(_file(tmp_path, gzip.compress(CONTENT))) == ROWS


def test_several_gzip_members_are_one_file(tmp_path: Path) -> None:
    """As `cat a.gz b.gz` makes them; a line may cross from one into the next, one may be empty."""
    members = CONTENT[:40], b"", CONTENT[40:], b""
    assert _read(_file(tmp_path, b"".join(map(gzip.compress, members)))) == ROWS


def test_zeros_after_a_gzip_member_are_padding(tmp_path: Path) -> None:
    """Tapes and some archives fill up their last block."""
    assert _read(_file(tmp_path, gzip.compress(CONTENT) + bytes(100))) == ROWS


def test_a_line_of_several_blocks_is_one_line(tmp_path: Path) -> None:
    """3 MiB of review text are three blocks."""
    long = GOOD.replace(b"{", b'{"reviewText": "' + b"x" * (3 << 20) + b'", ')
    accepted, rejected = _read(_file(tmp_path, b"\n".join([GOOD, long, GOOD])))
    assert [row[0] for row in accepted] == [1, 2, 3]
    assert not rejected


def test_batches_end_at_the_rows_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a line per block, 5 lines in batches of 2 are 2 + 2 + 1; numbers run through."""
    monkeypatch.setattr(reader, "_BLOCK", len(GOOD) + 1)
    path = _file(tmp_path, (GOOD + b"\n") * 5)
    batches = [batch.accepted["line"].to_pylist() for batch in read(path, DATASET, TODAY, 2)]
    assert batches == [[1, 2], [3, 4], [5]]


def test_a_batch_ends_with_a_block_not_within_it(tmp_path: Path) -> None:
    """5 lines in one block are one batch, however few rows are asked for."""
    path = _file(tmp_path, (GOOD + b"\n") * 5)
    assert [batch.accepted.num_rows for batch in read(path, DATASET, TODAY, 1)] == [5]


def test_long_lines_end_a_batch_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded by bytes as well as by rows."""
    monkeypatch.setattr(reader, "_BLOCK", len(GOOD) + 1)
    monkeypatch.setattr(reader, "_BATCH_BYTES", 1)
    path = _file(tmp_path, (GOOD + b"\n") * 2)
    assert [b.accepted.num_rows for b in read(path, DATASET, TODAY)] == [1, 1]


_lines = st.lists(
    st.one_of(st.just(GOOD), st.binary(max_size=30)).map(lambda raw: raw.replace(b"\n", b" "))
)


@given(
    lines=_lines,
    packed=st.booleans(),
    ended=st.booleans(),
    batch_rows=st.integers(1, 4),
    block=st.integers(1, 100),
)
def test_every_line_comes_out_exactly_once(
    lines: list[bytes], packed: bool, ended: bool, batch_rows: int, block: int
) -> None:
    """Any bytes, cut anywhere into blocks: in order, accepted or with the whole text."""
    lines = [GOOD, *lines, b"the end"]  # first and last ours: no magic, no mark, nothing empty
    content = b"\n".join(lines) + b"\n" * ended
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "_BLOCK", block)
        path = _file(Path(folder), gzip.compress(content) if packed else content)
        accepted, rejected = _read(path, batch_rows)
    assert [row[0] for row in accepted] == [n for n, line in enumerate(lines, 1) if line == GOOD]
    assert [(number, text) for number, _, text in rejected] == [
        (number, line.removesuffix(b"\r").decode(errors="backslashreplace"))
        for number, line in enumerate(lines, 1)
        if line != GOOD
    ]


PACKED = gzip.compress(CONTENT * 50, mtime=0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty; download it again"),
        (gzip.compress(b""), "is empty; download it again"),
        (b"\xef\xbb\xbf", "is empty; download it again"),
        (PACKED[:-9], "the gzip file ends in the middle; delete it and download it again"),
        (PACKED[:5], "the gzip file ends in the middle"),
        (PACKED[:30] + b"\xff" * 30 + PACKED[60:], "the gzip file is corrupt ("),
        (PACKED[:-8] + bytes(8), "the gzip file is corrupt (CRC check failed"),
        (PACKED + b"rubbish", "the gzip file is corrupt (Not a gzipped file"),
    ],
)
def test_a_broken_file_is_named_with_the_remedy(
    tmp_path: Path, content: bytes, message: str
) -> None:
    """Truncated, corrupt and empty files are errors, never a shorter table."""
    path = _file(tmp_path, content)
    with pytest.raises(SourceError) as caught:
        _read(path)
    assert str(caught.value).startswith(f"{path}: {message}")


@pytest.mark.parametrize("use", [_read, fingerprint])
def test_a_missing_file_is_named_with_the_remedy(tmp_path: Path, use: Any) -> None:
    """Both ways of reading say the same."""
    with pytest.raises(SourceError, match=r"cannot be opened \(No such file .*put the file there"):
        use(tmp_path / "reviews.json.gz")


@pytest.mark.parametrize("use", [_read, fingerprint])
def test_a_folder_is_no_file(tmp_path: Path, use: Any) -> None:
    """A `path` that stops too early says so."""
    with pytest.raises(SourceError, match=r"cannot be opened \(Is a directory\); .*correct `path`"):
        use(tmp_path)


def test_a_line_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A JSON array on one line must not fill the memory."""
    monkeypatch.setattr(reader, "_BLOCK", 10)
    monkeypatch.setattr(reader, "LONGEST_LINE", 200)
    path = _file(tmp_path, GOOD + b"\n[" + b"1," * 200)
    with pytest.raises(SourceError, match=r"line 2 has more than .* split the file into lines"):
        _read(path)


def test_the_fingerprint_is_the_files_own_sha256(tmp_path: Path) -> None:
    """Of the bytes as they lie: the packed ones of a packed file."""
    assert fingerprint(_file(tmp_path, PACKED)) == hashlib.sha256(PACKED).hexdigest()
