"""A dataset's source as the files that it consists of: one, or several that are read as one.

Here are which files these are, by what they are told from others, and the numbering of lines
through all of them, whether one process reads them or each is read by a task of its own. What is in
one file is `ncf_assets.ingest.reader`'s concern; who runs the tasks is `ncf_assets.warehouse`'s.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from ncf_assets.datasets import Dataset
from ncf_assets.ingest import packing, reader
from ncf_assets.ingest.reader import ACCEPTED, REJECTED, Batch

# One row is one line of a file: accepted if `reason` is null. Line 0 says why a file is refused.
ROWS = pa.unify_schemas([pa.schema([("part", pa.int32())]), ACCEPTED, REJECTED])

Signature = dict[str, int | str]


def files_of(source: Path) -> list[Path]:
    """The files by name: one, those of a folder, or those whose name fits a pattern; maybe none.

    Of folder and pattern, names that begin with `.` or `_` are left out, as Spark leaves them out.
    """
    if source.is_file():
        return [source]
    folder, pattern = (source, "*") if source.is_dir() else (source.parent, source.name)
    found = (file for file in folder.glob(pattern) if not file.name.startswith((".", "_")))
    return sorted(file for file in found if file.is_file())


def signature(source: Path) -> Signature:
    """By what a source is told, without reading it, from what lay there before."""
    files = files_of(source)
    facts = [(file.name, (stat := file.stat()).st_size, stat.st_mtime_ns) for file in files]
    found: Signature = {
        "size": sum(size for _, size, _ in facts),
        "mtime_ns": max((mtime for _, _, mtime in facts), default=0),
    }
    if files != [source]:
        found["listing"] = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    return found


def fingerprint(files: Sequence[Path]) -> str:
    """The SHA-256 of a file, in hexadecimal; of several that of theirs, a line each."""
    with ThreadPoolExecutor() as pool:  # hashing lets other threads go on
        hashes = list(pool.map(packing.fingerprint, files))
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("\n".join(hashes).encode()).hexdigest()


def read(
    files: Sequence[Path], dataset: Dataset, today: date, unpacked_limit: int
) -> Iterator[Batch]:
    """The lines of one file after the other, numbered through; each as `reader.read` has it."""
    before = 0
    for file in files:
        lines = 0
        for batch in reader.read(file, dataset, today, unpacked_limit=unpacked_limit):
            lines += batch.accepted.num_rows + batch.rejected.num_rows
            yield _later(batch, before)
        before += lines


def rows(
    files: Sequence[Path], dataset: Dataset, today: date, unpacked_limit: int, part: int
) -> Iterator[pa.RecordBatch]:
    """The lines of one file, as ROWS: the work of one task."""
    try:
        for batch in reader.read(files[part], dataset, today, unpacked_limit=unpacked_limit):
            for kind in (batch.accepted, batch.rejected):
                if kind.num_rows:
                    yield _as_rows(kind, part)
    except packing.SourceError as error:
        refusal = [[0], [str(error)], [""]]
        yield _as_rows(pa.record_batch(refusal, schema=REJECTED), part)


def batches(found: Iterable[pa.RecordBatch]) -> Iterator[Batch]:
    """What `read` gives, from the ROWS of all files in order; none is empty or of two files."""
    part, lines, before = 0, 0, 0
    for batch in found:
        if (at := batch["part"][0].as_py()) != part:
            part, lines, before = at, 0, before + lines
        lines += batch.num_rows
        accepted = pc.is_null(batch["reason"])
        refused = batch.filter(pc.invert(accepted)).select(REJECTED.names)
        if (at := pc.index(refused["line"], 0).as_py()) >= 0:
            raise packing.SourceError(refused["reason"][at].as_py())
        yield _later(Batch(batch.filter(accepted).select(ACCEPTED.names), refused), before)


def _as_rows(batch: pa.RecordBatch, part: int) -> pa.RecordBatch:
    """A batch with the columns of ROWS, those that it does not have null."""
    known = {"part": pa.repeat(pa.scalar(part, pa.int32()), batch.num_rows)}
    known |= dict(zip(batch.schema.names, batch.columns, strict=True))
    columns = [known.get(field.name, pa.nulls(batch.num_rows, field.type)) for field in ROWS]
    return pa.record_batch(columns, schema=ROWS)


def _later(batch: Batch, before: int) -> Batch:
    """The batch with its lines numbered as after `before` others."""
    return Batch(
        *(
            pa.record_batch([pc.add(kind["line"], before), *kind.columns[1:]], kind.schema.names)
            for kind in (batch.accepted, batch.rejected)
        )
    )
