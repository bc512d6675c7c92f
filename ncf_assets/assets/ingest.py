"""Ingest: the source file, line by line, into `raw_reviews` and `rejected_reviews`."""

import contextlib
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
from pydantic import Field

from ncf_assets.assets.code import code_version
from ncf_assets.assets.failing import told
from ncf_assets.assets.inputs import Inputs
from ncf_assets.assets.partition import (
    DATASETS,
    SHOWN_ROWS,
    Run,
    check_spec,
    check_specs,
    settings_of,
)
from ncf_assets.assets.table_spec import table_spec
from ncf_assets.datasets import Dataset, load
from ncf_assets.ingest import download, formats, packing, source
from ncf_assets.ingest.reader import Batch
from ncf_assets.tables import tables
from ncf_assets.warehouse import Warehouse

AS_PUBLISHED = "raw_reviews_as_many_as_published"


class ReadingConfig(dg.Config):
    """When a file is refused as a whole. What is read of one that is not does not depend on it."""

    max_rejected: float = Field(
        0.2,
        ge=0,
        le=1,
        description="Share of the lines that may be rejected; above it the run stops",
    )
    warn_rejected: float = Field(
        0.01, ge=0, le=1, description="Share of the lines above which a check warns"
    )
    unpacked_limit_gb: float = Field(
        200, gt=0, description="What a gzip file may unpack to, in 10^9 bytes"
    )


def _spec(name: str) -> dg.AssetSpec:
    table = tables()[name]
    version = code_version(__name__, "ncf_assets.ingest.source", str(table.schema))
    return table_spec(table, "ingest", [], version, "python")


@dg.multi_asset(
    specs=[_spec("raw_reviews"), _spec("rejected_reviews")],
    check_specs=[
        *check_specs(tables()["raw_reviews"]),
        *check_specs(tables()["rejected_reviews"]),
        check_spec(
            "raw_reviews",
            AS_PUBLISHED,
            "The file has as many lines as datasets.toml says that its publisher states. If not:"
            " download the file again, or correct expected_reviews.",
            blocking=False,
        ),
    ],
    partitions_def=DATASETS,
)
def reviews(
    context: dg.AssetExecutionContext,
    config: ReadingConfig,
    warehouse: dg.ResourceParam[Warehouse],
) -> Iterator[Any]:
    """Read the file in `data/raw/`, downloading it first where it is not there."""
    dataset = load(warehouse.registry)[context.partition_key]
    run = Run(
        context,
        warehouse,
        Inputs(warehouse, dataset.name, []),
        config=dataset.reading,
        limits=settings_of(config),
    )
    with told(context, warehouse, ("raw_reviews", "rejected_reviews")):
        found = _found(context, warehouse, dataset)
        yield from _read(run, dataset, found, int(config.unpacked_limit_gb * 1e9))


def _read(run: Run, dataset: Dataset, found: Path, unpacked_limit: int) -> Iterator[Any]:
    """Both tables from one pass over the files."""
    facts, files, warehouse = _facts_of(found), source.files_of(found), run.warehouse
    hashes = {"source": source.fingerprint(files)}
    with (
        contextlib.closing(_batches(warehouse, dataset, files, unpacked_limit)) as batches,
        warehouse.draft("raw_reviews", dataset.name) as accepted,
        warehouse.draft("rejected_reviews", dataset.name) as rejected,
    ):
        refused: pa.RecordBatch | None = None  # the first lines that were rejected
        for batch in batches:
            accepted.write([batch.accepted])
            rejected.write([batch.rejected])
            refused = batch.rejected if refused is None else refused
            run.context.log.info(f"{accepted.rows:,} reviews accepted, {rejected.rows:,} rejected")
        if accepted.rows == 0:
            raise dg.Failure(_nothing_accepted(found, dataset, refused), allow_retries=False)
        if _facts_of(found) != facts:
            raise dg.Failure(f"{found} changed while being read; nothing was published, run again")
        stamps = {
            draft: draft.finish(**run.origin(draft.table.name, hashes), source=facts)
            for draft in (accepted, rejected)
        }
        lines = accepted.rows + rejected.rows
        yield _as_published(dataset, lines)
        yield from run.publish(stamps, {"rejected share": rejected.rows / lines})


def _batches(
    warehouse: Warehouse, dataset: Dataset, files: list[Path], unpacked_limit: int
) -> Generator[Batch, None, None]:
    """The lines of all files; where Spark is the engine, each of several files by a task."""
    today = datetime.now(UTC).date()
    if warehouse.spark and len(files) > 1:
        task = partial(source.rows, files, dataset, today, unpacked_limit)
        with warehouse.scratch(dataset.name) as place:
            made = warehouse.spark.made(task, len(files), source.ROWS, place)
            yield from source.batches(made)
    else:
        yield from source.read(files, dataset, today, unpacked_limit)


def _facts_of(found: Path) -> dict[str, Any]:
    """Where a source is, and by what `status` tells that it is still the same."""
    try:
        return {"path": str(found), **source.signature(found)}
    except OSError as error:
        raise packing.SourceError(
            f"{found} cannot be read ({error.strerror}); put the file there, or correct `path` or"
            " `url` in datasets.toml"
        ) from error


def _as_published(dataset: Dataset, lines: int) -> dg.AssetCheckResult:
    """A warning where a file is shorter or longer than its publisher says."""
    expected = dataset.expected_reviews
    return dg.AssetCheckResult(
        asset_key="raw_reviews",
        check_name=AS_PUBLISHED,
        description=f"{lines:,} lines read, {expected:,} published" if expected else None,
        passed=expected in (None, lines),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"lines": lines, "published": "not stated" if expected is None else expected},
    )


def _nothing_accepted(file: Path, dataset: Dataset, rejected: pa.RecordBatch) -> str:
    """Why a file of which every line was rejected is refused, and what its format may be."""
    first = rejected.slice(0, SHOWN_ROWS).to_pylist()
    looks_like = formats.suggest_format(row["text"] for row in first)
    if looks_like and looks_like != dataset.format:
        remedy = f'the lines look like {looks_like}; set format = "{looks_like}"'
    else:
        remedy = "correct format, columns or path"
    return (
        f"at least one line must be a review, found none in {file};"
        f" line {first[0]['line']}: {first[0]['reason']}; {remedy} of [{dataset.name}] in"
        " datasets.toml"
    )


def _found(context: dg.AssetExecutionContext, warehouse: Warehouse, dataset: Dataset) -> Path:
    """The dataset's file or files, downloaded if need be."""
    found = download.locate(dataset, warehouse.registry.parent, warehouse.raw)
    if found:
        download.check(dataset, found)
        return found
    context.log.info(f"downloading {dataset.url}")

    def progress(received: int, total: int | None) -> None:
        of = f" of {total / 1e6:,.0f}" if total else ""
        context.log.info(f"downloaded {received / 1e6:,.0f}{of} MB")

    return download.fetch(dataset, warehouse.raw / dataset.file_name, progress, context.log.warning)
