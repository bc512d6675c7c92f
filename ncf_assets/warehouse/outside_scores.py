"""Keep the accepted scores by models from outside: a Parquet file for each model of a dataset.

What is accepted is decided by `ncf_assets.ingest.scores`, and ranked by the asset `outside_ranks`.
The file's footer says where the scores come from.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from ncf_assets.sql_text import literal
from ncf_assets.warehouse.files import temporary
from ncf_assets.warehouse.parquet import PROVENANCE_KEY, undamaged
from ncf_assets.warehouse.warehouse import Warehouse


@dataclass(frozen=True)
class OutsideScores:
    """Where a model's scores come from.

    file: the name that the file had
    sha256: the SHA-256 of its bytes, in hexadecimal, as `sha256sum` prints it
    column: 'score' or 'position', whichever it had
    rows: how many it had
    """

    file: str
    sha256: str
    column: str
    rows: int

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a JSON object."""
        return asdict(self)


def kept(place: Warehouse, dataset: str) -> dict[str, OutsideScores]:
    """Return where the scores of each outside model come from, in the order of their names."""
    return {model: _origin(place, dataset, model) for model in names(place, dataset)}


def names(place: Warehouse, dataset: str) -> list[str]:
    """Return the outside models that have scores, in alphabetical order."""
    folder = place.paths.outside(dataset).relative_to(place.root).as_posix()
    return sorted(file.stem for file in place.published.glob(f"{folder}/[!.]*.parquet"))


def path(place: Warehouse, dataset: str, model: str) -> Path:
    """Return the file with the scores of an outside model, from a store its copy here."""
    file = _published(place, dataset, model)
    return place.published.find(file) or file


def keep(
    place: Warehouse,
    dataset: str,
    model: str,
    connection: duckdb.DuckDBPyConnection,
    rows: str,
    origin: OutsideScores,
) -> None:
    """Write a model's scores, the rows of a select over a connection, in place of those before."""
    target = _published(place, dataset, model)
    seen = place.published.seen(target)
    with temporary(target) as written:
        connection.execute(
            f"copy ({rows}) to {literal(written)} (format parquet, compression zstd,"
            f" kv_metadata {{{PROVENANCE_KEY}: {literal(json.dumps(origin.to_json()))}}})"
        )
        place.published.replace(written, target, seen)


def remove(place: Warehouse, dataset: str, model: str) -> None:
    """Remove the scores of an outside model."""
    place.published.remove(_published(place, dataset, model))


def _origin(place: Warehouse, dataset: str, model: str) -> OutsideScores:
    file = path(place, dataset, model)
    remedy = f"Take it out: ncf-assets evaluate {dataset} --remove {model}"
    with undamaged(file, remedy):
        return OutsideScores(**json.loads(pq.read_metadata(file).metadata[PROVENANCE_KEY.encode()]))


def _published(place: Warehouse, dataset: str, model: str) -> Path:
    return place.paths.outside(dataset) / f"{model}.parquet"
