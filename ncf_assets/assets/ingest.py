"""Ingest: the source file, line by line, into `raw_reviews` and `rejected_reviews`."""

import contextlib
from collections.abc import Generator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from ncf_assets.datasets import Dataset, load
from ncf_assets.ingest import compression, download, lookalikes, source
from ncf_assets.ingest.reader import MAX_REJECTED_SHARE, Batch
from ncf_assets.orchestration.metadata import PREVIEW_ROWS
from ncf_assets.orchestration.publish import AssetRun
from ncf_assets.orchestration.source_file import report_found, report_missing
from ncf_assets.orchestration.tables import python_tables
from ncf_assets.orchestration.upstream import SOURCE_FILE

AS_PUBLISHED = "raw_reviews_as_many_as_published"
SHOWN_TEXT = 60  # characters of a rejected line that a message repeats


class ReadingConfig(dg.Config):
    """When a file is refused. The rows that are read of an accepted file do not depend on it."""

    max_rejected_share: float = Field(
        MAX_REJECTED_SHARE,
        ge=0,
        le=1,
        description="Share of the lines that may be rejected; above it the run stops",
    )
    warn_rejected_share: float = Field(
        0.01, ge=0, le=1, description="Share of the lines above which a check warns"
    )
    max_unpacked_gb: float = Field(
        200, gt=0, description="What a gzip file may unpack to, in 10^9 bytes"
    )


@python_tables(
    {"raw_reviews": "ingest", "rejected_reviews": "ingest"},
    reads=[],
    config=ReadingConfig,
    deps=[SOURCE_FILE],
    warning_checks=[
        (
            "raw_reviews",
            AS_PUBLISHED,
            "The file has as many lines as datasets.toml says that its publisher states. If not:"
            " download the file again, or correct expected_reviews.",
        )
    ],
)
def reviews(run: AssetRun, config: ReadingConfig) -> None:
    """Read the file in `data/raw/`, downloading it first where it is not there."""
    dataset = load(run.warehouse.paths.registry)[run.dataset]
    found = _locate(run, dataset)
    signature, files = _signature(found), source.files_of(found)
    run.config, run.check_parameters = dataset.reading, config.model_dump()
    run.source, run.input_hashes = signature, {"source": source.fingerprint(files)}
    report_found(run.context, _shown(found, signature, run.input_hashes["source"]))
    _read(run, dataset, found, _batches(run, dataset, files, int(config.max_unpacked_gb * 1e9)))
    if _signature(found) != signature:
        raise dg.Failure(f"{found} changed while being read. Nothing was published. Run it again.")
    lines = run.rows_written("raw_reviews") + run.rows_written("rejected_reviews")
    run.check_results.append(_as_published(dataset, lines))
    run.extra_metadata["rejected share"] = run.rows_written("rejected_reviews") / lines


def _read(
    run: AssetRun, dataset: Dataset, found: Path, batches: Generator[Batch, None, None]
) -> None:
    """Write both tables in one pass over the files."""
    rejected: pa.RecordBatch | None = None  # the first lines that were rejected
    with contextlib.closing(batches):
        for batch in batches:
            run.write("raw_reviews", batch.accepted)
            run.write("rejected_reviews", batch.rejected)
            rejected = batch.rejected if rejected is None else rejected
            counts = [run.rows_written(name) for name in ("raw_reviews", "rejected_reviews")]
            run.context.log.info("{:,} reviews accepted, {:,} rejected".format(*counts))
    if rejected is None:
        raise compression.SourceError(
            f"{found} has no row. Put another file there, or correct `path` or `query` of"
            f" {dataset.block}."
        )
    if run.rows_written("raw_reviews") == 0:
        raise dg.Failure(_nothing_accepted(found, dataset, rejected), allow_retries=False)


def _batches(
    run: AssetRun, dataset: Dataset, files: list[Path], max_unpacked: int
) -> Generator[Batch, None, None]:
    """Yield the lines of all files; where Spark is the engine, each of several files is a task."""
    warehouse = run.warehouse
    today = datetime.now(UTC).date()
    if warehouse.spark and len(files) > 1 and not dataset.query:
        task = partial(source.rows, files, dataset, today, max_unpacked)
        with warehouse.scratch(dataset.name) as place:
            made = warehouse.spark.made(task, len(files), source.ROWS, place)
            yield from source.batches(made)
    else:
        with warehouse.connect(dataset.name, {}) as connection:
            yield from source.read(files, dataset, today, max_unpacked, connection)


def _signature(found: Path) -> dict[str, Any]:
    """Return where a source is, and what tells `status` that it is still the same."""
    try:
        return {"path": str(found), **source.signature(found)}
    except OSError as error:
        raise compression.SourceError(
            f"{found} cannot be read ({error.strerror}). Put the file there, or correct `path` or"
            " `url` in datasets.toml."
        ) from error


def _shown(found: Path, signature: Mapping[str, Any], sha256: str) -> dict[str, Any]:
    """Return what the UI shows of the source file."""
    return {
        "path": dg.MetadataValue.path(str(found)),
        "SHA-256": sha256,
        "bytes": signature["size"],
    }


def _as_published(dataset: Dataset, lines: int) -> dg.AssetCheckResult:
    """Warn where a file is shorter or longer than its publisher says."""
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
    """Say why a file without any review is refused: the commonest reason, and what it may be."""
    # reasons that differ in numbers alone, such as times out of range, are one
    kinds = pc.replace_substring_regex(rejected["reason"], "[0-9]+", "#")
    commonest = max(pc.value_counts(kinds).to_pylist(), key=lambda found: found["counts"])
    [example] = rejected.filter(pc.equal(kinds, commonest["values"])).slice(0, 1).to_pylist()
    lines = rejected["text"].slice(0, PREVIEW_ROWS).to_pylist()
    unit = "Row" if dataset.format == "table" else "Line"  # that of a table is kept as JSON
    return (
        f"at least one line must be a review, found none in {file}. Of the first"
        f" {rejected.num_rows:,} lines {commonest['counts']:,} are rejected for this reason:"
        f" {example['reason']}. {unit} {example['line']:,} is {example['text'][:SHOWN_TEXT]!r}."
        f" {lookalikes.looks_like(lines, dataset, example['reason'])} of {dataset.block}."
    )


def _locate(run: AssetRun, dataset: Dataset) -> Path:
    """Return the dataset's file or files, downloaded if need be."""
    paths = run.warehouse.paths
    found = download.locate(dataset, paths.registry.parent, paths.raw)
    try:
        if found:
            download.check(dataset, found)
            return found
        target = downloaded(run, dataset)
    except (compression.SourceError, download.DownloadError) as error:
        report_missing(run.context, str(error))
        raise
    download.remove_former(dataset, target)
    return target


def downloaded(run: AssetRun, dataset: Dataset) -> Path:
    """Download what a dataset's URL names into `data/raw`, and return the file."""
    log, raw = run.context.log, run.warehouse.paths.raw
    log.info(f"downloading {dataset.url}")

    def progress(received: int, total: int | None) -> None:
        of = f" of {total / 1e6:,.0f}" if total else ""
        log.info(f"downloaded {received / 1e6:,.0f}{of} MB")

    return download.fetch(dataset, raw / dataset.download_name, progress, log.warning)
