"""Read a source file's lines into batches of accepted and rejected ones, in constant memory.

This module splits bytes into lines and gathers the lines into batches. The file is opened and
unpacked in `ncf_assets.ingest.compression`, one line is parsed in `ncf_assets.ingest.formats`, and
`ncf_assets.warehouse` writes the batches.
"""

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa

from ncf_assets.datasets import Dataset
from ncf_assets.ingest import compression
from ncf_assets.ingest.formats import Parse, parser

ACCEPTED = pa.schema(
    [
        ("line", pa.int64()),  # from 1
        ("user_id", pa.string()),
        ("item_id", pa.string()),
        ("rating", pa.float64()),  # finite
        ("timestamp", pa.timestamp("us")),  # in UTC
    ]
)
REJECTED = pa.schema([("line", pa.int64()), ("reason", pa.string()), ("text", pa.string())])

MAX_REJECTED_SHARE = 0.2  # of the lines, above which a run stops by default; chosen
LONGEST_LINE = 16 << 20  # bytes; chosen: far above any review, far below what fills the memory
TEXT_KEPT = 64 << 10  # bytes of a rejected line's text that the table keeps; chosen
_BATCH_BYTES = 64 << 20  # chosen: it ends a batch of long lines, so that memory is bounded


@dataclass(frozen=True)
class Batch:
    """Some consecutive lines of a file, each in exactly one of two record batches."""

    accepted: pa.RecordBatch  # schema ACCEPTED
    rejected: pa.RecordBatch  # schema REJECTED


@dataclass(frozen=True)
class OversizedLine:
    """A line above `LONGEST_LINE`, of which only the beginning is in memory."""

    head: bytes  # TEXT_KEPT bytes
    length: int  # bytes


def read(
    path: Path,
    dataset: Dataset,
    today: date,
    batch_rows: int = 100_000,
    max_unpacked: int = compression.UNPACKED_LIMIT,
) -> Iterator[Batch]:
    """Yield every line of a plain or gzipped file exactly once, accepted or rejected, in order.

    A batch ends with the first block of 256 KiB that brings it to `batch_rows` lines or to 64 MiB.
    The latest valid time is the end of the day after `today`. Of a rejected line's text the first
    64 KiB are kept, followed by its length; a line above 16 MiB is rejected without parsing it.
    While iterating, raise `SourceError` if the file cannot be read or unpacks to more than
    `max_unpacked` bytes. The caller must then discard what was yielded before.
    """
    parse = parser(dataset, today)
    builder, first, size = _BatchBuilder(), 1, 0
    for found, n_bytes in lines(path, max_unpacked):
        if isinstance(found, OversizedLine):
            builder.reject(first, found)
            first += 1
        else:
            builder.add(found, first, parse)
            first += len(found)
        size += n_bytes
        if builder.rows >= batch_rows or size >= _BATCH_BYTES:
            yield builder.batch()
            builder, size = _BatchBuilder(), 0
    if builder.rows:
        yield builder.batch()


class _Columns:
    """The rows of a record batch that is being built, column by column.

    Python's garbage collector does not visit numbers and texts. It would visit as many tuples,
    which would cost a third of the time.
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


class _BatchBuilder:
    """The lines of a batch that is being built."""

    def __init__(self) -> None:
        self._accepted, self._rejected = _Columns(ACCEPTED), _Columns(REJECTED)

    @property
    def rows(self) -> int:
        return len(self._accepted) + len(self._rejected)

    def add(self, lines: list[bytes], first: int, parse: Parse) -> None:
        """Parse the `lines` of a block; the number of the first one is `first`."""
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

    def reject(self, number: int, line: OversizedLine) -> None:
        """Add a line that is too long to be parsed."""
        reason = f"longer than {LONGEST_LINE >> 20} MiB"
        self._rejected.add([(number, reason, _text(line.head, line.length))])

    def batch(self) -> Batch:
        return Batch(self._accepted.batch(), self._rejected.batch())


def _text(line: bytes, length: int) -> str:
    """Return the text of a rejected line: all of it, or its beginning and its length."""
    if length <= TEXT_KEPT:
        return line.decode(errors="backslashreplace")
    # an incremental decoder drops a character that the cut has halved, as it waits for its end
    decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
    return f"{decoder.decode(line[:TEXT_KEPT])}… ({length:,} bytes in all)"


def lines(path: Path, max_unpacked: int) -> Iterator[tuple[list[bytes] | OversizedLine, int]]:
    """Yield the lines of a file, block by block, and their bytes in memory.

    Each line ends with a line feed, except perhaps the last. A line above `LONGEST_LINE` is yielded
    alone.
    """
    buffer = _LineBuffer()
    for block in compression.blocks(path, max_unpacked):
        found = block.split(b"\n")
        buffer.add(found[0])
        if len(found) == 1:
            continue
        ended = buffer.end()
        buffer.add(found.pop())
        if isinstance(ended, OversizedLine):
            yield ended, TEXT_KEPT
            yield found[1:], len(block)
        else:
            found[0] = ended
            yield found, len(block)
    if buffer.length:
        ended = buffer.end()
        yield (ended if isinstance(ended, OversizedLine) else [ended]), LONGEST_LINE


class _LineBuffer:
    """A line whose end has not been read yet, in pieces from one or more blocks."""

    def __init__(self) -> None:
        self.length = 0  # bytes
        self._pieces: list[bytes] = []

    def add(self, piece: bytes) -> None:
        """Add the next bytes; of a line that has become too long keep only the head."""
        too_long = self.length > LONGEST_LINE
        self.length += len(piece)
        if not too_long:
            self._pieces.append(piece)
            if self.length > LONGEST_LINE:
                self._pieces = [b"".join(self._pieces)[:TEXT_KEPT]]

    def end(self) -> bytes | OversizedLine:
        """Return the line, and begin the next one."""
        joined, length = b"".join(self._pieces), self.length
        self._pieces, self.length = [], 0
        return OversizedLine(joined, length) if length > LONGEST_LINE else joined
