"""A source file's lines to batches of accepted and rejected ones, in constant memory.

Here are splitting into lines and gathering them into batches. Opening and unpacking the file is
`ncf_assets.ingest.packing`'s; what makes one line acceptable is said in
`ncf_assets.ingest.formats`; writing the batches is `ncf_assets.warehouse`'s.
"""

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa

from ncf_assets.datasets import Dataset
from ncf_assets.ingest import packing
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

LONGEST_LINE = 16 << 20  # bytes; ours: far above any review, far below what fills the memory
TEXT_KEPT = 64 << 10  # bytes of a rejected line's text that the table keeps; ours
_BATCH_BYTES = 64 << 20  # ours: ends a batch of long lines, so that memory is bounded


@dataclass(frozen=True)
class Batch:
    """Some consecutive lines of a file, each in exactly one of two record batches."""

    accepted: pa.RecordBatch  # schema ACCEPTED
    rejected: pa.RecordBatch  # schema REJECTED


@dataclass(frozen=True)
class _TooLong:
    """A line above `LONGEST_LINE`, of which only the beginning was kept."""

    head: bytes  # TEXT_KEPT bytes
    length: int  # bytes


def read(
    path: Path,
    dataset: Dataset,
    today: date,
    batch_rows: int = 100_000,
    unpacked_limit: int = packing.UNPACKED_LIMIT,
) -> Iterator[Batch]:
    """Yield every line of a plain or gzipped file exactly once, accepted or rejected, in order.

    A batch ends with the first block of 256 KiB that brings it to `batch_rows` lines or to 64 MiB.
    The latest valid time is the end of the day after `today`. Of a rejected line's text the first
    64 KiB are kept, followed by its length; a line above 16 MiB is rejected unread. Raises
    `SourceError`, while iterating, where the file as a whole cannot be read or unpacks to more than
    `unpacked_limit` bytes; what was yielded until then must be thrown away.
    """
    parse = parser(dataset, today)
    held, first, size = _Held(), 1, 0
    for lines, n_bytes in _lines(path, unpacked_limit):
        if isinstance(lines, _TooLong):
            held.refuse(first, lines)
            first += 1
        else:
            held.add(lines, first, parse)
            first += len(lines)
        size += n_bytes
        if held.rows >= batch_rows or size >= _BATCH_BYTES:
            yield held.batch()
            held, size = _Held(), 0
    if held.rows:
        yield held.batch()


class _Columns:
    """The rows of a record batch to come, column by column.

    Numbers and texts are no work for Python's garbage collector; as many tuples would be, and cost
    a third of the time.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._columns: list[list[object]] = [[] for _ in schema]

    def __len__(self) -> int:
        return len(self._columns[0])

    def add(self, rows: Iterable[tuple[object, ...]]) -> None:
        """Append rows."""
        for column, values in zip(self._columns, zip(*rows, strict=True), strict=False):
            column.extend(values)

    def batch(self) -> pa.RecordBatch:
        return pa.record_batch(self._columns, schema=self._schema)


class _Held:
    """The lines of a batch to come."""

    def __init__(self) -> None:
        self._accepted, self._rejected = _Columns(ACCEPTED), _Columns(REJECTED)

    @property
    def rows(self) -> int:
        return len(self._accepted) + len(self._rejected)

    def add(self, lines: list[bytes], first: int, parse: Parse) -> None:
        """Parse the `lines` of a block, of which the first has the number `first`."""
        accepted: list[tuple[int, str, str, float, int]] = []
        rejected: list[tuple[int, str, str]] = []
        for number, line in enumerate(lines, start=first):
            found = parse(line)
            if isinstance(found, str):
                text = _text(line.removesuffix(b"\r"), len(line))
                rejected.append((number, found, text))
            else:
                accepted.append((number, *found))
        self._accepted.add(accepted)
        self._rejected.add(rejected)

    def refuse(self, number: int, line: _TooLong) -> None:
        """Take in a line that is too long to be parsed."""
        reason = f"longer than {LONGEST_LINE >> 20} MiB"
        self._rejected.add([(number, reason, _text(line.head, line.length))])

    def batch(self) -> Batch:
        return Batch(self._accepted.batch(), self._rejected.batch())


def _text(line: bytes, length: int) -> str:
    """The text of a rejected line: whole, or its beginning and its length."""
    if length <= TEXT_KEPT:
        return line.decode(errors="backslashreplace")
    # a decoder that waits for more drops a character that the cut has halved
    decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
    return f"{decoder.decode(line[:TEXT_KEPT])}… ({length:,} bytes in all)"


def _lines(path: Path, unpacked_limit: int) -> Iterator[tuple[list[bytes] | _TooLong, int]]:
    """Yield the lines of a file, block by block, and their bytes in memory.

    A line feed ends each but perhaps the last. A line above `LONGEST_LINE` comes alone.
    """
    begun = _Begun()
    for block in packing.blocks(path, unpacked_limit):
        lines = block.split(b"\n")
        begun.add(lines[0])
        if len(lines) == 1:
            continue
        ended = begun.end()
        begun.add(lines.pop())
        if isinstance(ended, _TooLong):
            yield ended, TEXT_KEPT
            yield lines[1:], len(block)
        else:
            lines[0] = ended
            yield lines, len(block)
    if begun.length:
        ended = begun.end()
        yield (ended if isinstance(ended, _TooLong) else [ended]), LONGEST_LINE


class _Begun:
    """A line whose end has not been read yet, in pieces of a block."""

    def __init__(self) -> None:
        self.length = 0  # bytes
        self._pieces: list[bytes] = []

    def add(self, piece: bytes) -> None:
        """Take in the next bytes; of a line that has become too long only the head is kept."""
        too_long = self.length > LONGEST_LINE
        self.length += len(piece)
        if not too_long:
            self._pieces.append(piece)
            if self.length > LONGEST_LINE:
                self._pieces = [b"".join(self._pieces)[:TEXT_KEPT]]

    def end(self) -> bytes | _TooLong:
        """The line; the next one begins."""
        joined, length = b"".join(self._pieces), self.length
        self._pieces, self.length = [], 0
        return _TooLong(joined, length) if length > LONGEST_LINE else joined
