"""Accept the scores of a model from outside, or take the model out again.

Nothing is ranked here: the asset `outside_ranks` follows from the scores that are kept.
"""

import re
from pathlib import Path

from ncf_assets.ingest import scores, source
from ncf_assets.ingest.compression import SourceError
from ncf_assets.ncf.models import CHANCE
from ncf_assets.orchestration.scorers import SCORERS
from ncf_assets.warehouse import outside_scores
from ncf_assets.warehouse.dataset_lock import dataset_lock
from ncf_assets.warehouse.outside_scores import OutsideScores
from ncf_assets.warehouse.warehouse import Warehouse

HOLDER = "evaluate"  # of a dataset's lock while scores are accepted
LONGEST_NAME = 40  # characters; chosen: what a table of figures has room for


def accept(
    place: Warehouse, dataset: str, file: Path, model: str, *, dense_ids: bool = False
) -> OutsideScores:
    """Check a file of scores, and keep it in place of what the model had before.

    Raise SourceError for a name or a file that is refused, and NotMaterializedError where the
    dataset has no test yet.
    """
    _check_name(model)
    with dataset_lock(place, dataset, HOLDER):
        tables = {name: place.existing(name, dataset) for name in scores.TABLES}
        before, sha256 = source.signature(file), source.fingerprint([file])
        with place.connect(dataset, tables) as connection:
            column = scores.read(connection, file, dense_ids=dense_ids)
            if source.signature(file) != before:
                raise SourceError(f"{file} changed while being read. Run it again")
            [(rows,)] = connection.sql("select count(*) from scores").fetchall()
            origin = OutsideScores(file.name, sha256, column, rows)
            outside_scores.keep(place, dataset, model, connection, scores.ROWS, origin)
    return origin


def remove(place: Warehouse, dataset: str, model: str) -> None:
    """Remove what is kept of a model."""
    with dataset_lock(place, dataset, HOLDER):
        outside_scores.remove(place, dataset, model)


def _check_name(model: str) -> None:
    """Raise SourceError for a name that no model from outside can have."""
    if not re.fullmatch(rf"[A-Za-z][A-Za-z0-9_]{{0,{LONGEST_NAME - 1}}}", model):
        raise SourceError(
            "a model's name must be a letter, then letters, digits and _, of"
            f" {LONGEST_NAME} characters at most, found {model!r}. Choose another name"
        )
    if model.casefold() in {*SCORERS, CHANCE}:
        raise SourceError(f"{model} is a model of this package. Choose another name")
