"""A source file to batches of accepted and rejected lines, in constant memory.

Here are decompression, splitting into lines, and errors of the file as a whole. What makes one
line acceptable is said in `ncf_assets.ingest.formats`; writing the batches is
`ncf_assets.warehouse`'s.
"""

import gzip
import hashlib
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from ncf_assets.datasets import Dataset
from ncf_assets.ingest.formats import Parse, parser

ACCEPTED = pa.schema(
    [
        ("line", pa.int64()),  # from 1
        ("user_id", pa.string()),
        ("item_id", pa.string()),
        ("rating", pa.float64()),  # stars, 1 to 5
        ("timestamp", pa.int64()),  # seconds since 1970-01-01 UTC
    ]
)
REJECTED = pa.schema([("line", pa.int64()), ("reason", pa.string()), ("text", pa.string())])

_BLOCK = 1 << 20  # bytes read at a time
_BATCH_BYTES = 128 << 20  # ours: ends a batch of long lines, so that memory is bounded
# bytes, give or take a block; ours: far above any review, below what would fill the memory
LONGEST_LINE = 16 << 20
_BOM = b"\xef\xbb\xbf"
_GZIP_MAGIC = b"\x1f\x8b"  # RFC 1952


class SourceError(ValueError):
    """The file as a whole cannot be read; the message names it and the remedy."""


@dataclass(frozen=True)
class Batch:
    """Some consecutive lines of a file, each in exactly one of two record batches."""

    accepted: pa.RecordBatch  # schema ACCEPTED
    rejected: pa.RecordBatch  # schema REJECTED


def read(path: Path, dataset: Dataset, today: date, batch_rows: int = 100_000) -> Iterator[Batch]:
    """Yield every line of a plain or gzipped file exactly once, accepted or rejected, in order.

    A batch ends with the first block of about 1 MiB that brings it to `batch_rows` lines or to
    128 MiB. The latest valid time is the end of the day after `today`. Raises `SourceError`, while
    iterating, where the file is missing, empty, truncated or corrupt, or has a line above
    `LONGEST_LINE`; what was yielded until then must be thrown away.
    """
    parse = parser(dataset, today)
    held, first, size = _Held(), 1, 0
    for lines in _lines(path):
        held.add(lines, first, parse)
        first += len(lines)
        size += sum(map(len, lines))
        if held.rows >= batch_rows or size >= _BATCH_BYTES:
            yield held.batch()
            held, size = _Held(), 0
    if held.rows:
        yield held.batch()


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of the file's bytes, compressed as they lie, in hexadecimal."""
    with _opened(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class _Held:
    """The lines of a batch to come, as rows of the two schemas."""

    def __init__(self) -> None:
        self.accepted: list[tuple[int, str, str, float, int]] = []
        self.rejected: list[tuple[int, str, str]] = []

    @property
    def rows(self) -> int:
        return len(self.accepted) + len(self.rejected)

    def add(self, lines: list[bytes], first: int, parse: Parse) -> None:
        """Parse `lines`, of which the first has the number `first`."""
        accept = self.accepted.append
        for number, line in enumerate(lines, start=first):
            found = parse(line)
            if isinstance(found, str):
                text = line.removesuffix(b"\r").decode(errors="backslashreplace")
                self.rejected.append((number, found, text))
            else:
                accept((number, *found))

    def batch(self) -> Batch:
        return Batch(_columns(self.accepted, ACCEPTED), _columns(self.rejected, REJECTED))


def _columns(rows: Sequence[tuple[object, ...]], schema: pa.Schema) -> pa.RecordBatch:
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    return pa.record_batch(columns, schema=schema)


def _lines(path: Path) -> Iterator[list[bytes]]:
    """Yield the lines of a file, block by block; a line feed ends each but perhaps the last."""
    rest = b""
    done = 0
    for block in _blocks(path):
        *lines, rest = (rest + block).split(b"\n")
        done += len(lines)
        if len(rest) > LONGEST_LINE:
            raise SourceError(
                f"{path}: line {done + 1} has more than {LONGEST_LINE >> 20} MiB, but a line holds "
                "one review; split the file into lines (jq -c '.[]' does it for a JSON array)"
            )
        yield lines
    if rest:
        yield [rest]


def _blocks(path: Path) -> Iterator[bytes]:
    """Yield a file's decompressed bytes, without a byte order mark."""
    with _opened(path) as plain:
        zipped = plain.peek(2)[:2] == _GZIP_MAGIC
        stream = gzip.GzipFile(fileobj=plain) if zipped else plain
        block = _next_block(path, stream).removeprefix(_BOM)
        if not block:
            raise SourceError(f"{path}: is empty; download it again, or correct its `path`")
        while block:
            yield block
            block = _next_block(path, stream)


def _next_block(path: Path, stream: BinaryIO | gzip.GzipFile) -> bytes:
    try:
        return stream.read(_BLOCK)
    except EOFError:
        raise SourceError(
            f"{path}: the gzip file ends in the middle; delete it and download it again"
        ) from None
    except (zlib.error, gzip.BadGzipFile) as error:
        raise SourceError(
            f"{path}: the gzip file is corrupt ({error}); delete it and download it again"
        ) from error


def _opened(path: Path) -> BufferedReader:
    try:
        return path.open("rb")
    except OSError as error:
        raise SourceError(
            f"{path}: cannot be opened ({error.strerror}); put the file there, or correct `path` "
            "or `url` in datasets.toml"
        ) from error
