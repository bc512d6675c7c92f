"""Serve: the model that serves, its recommendations, popular and similar items, and titles.

The macros that answer in SQL are in `ncf_assets/macros/`.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import numpy as np
import pandas as pd
import pyarrow as pa
from pydantic import Field

from ncf_assets.assets.ingest import downloaded
from ncf_assets.assets.train import NeumfConfig, next_item_training
from ncf_assets.datasets import Dataset, load
from ncf_assets.ingest import details, download, source
from ncf_assets.ncf.models import EVALUATED_MODEL
from ncf_assets.ncf.recommend import top_k
from ncf_assets.ncf.recommend.user_blocks import Recommendations, scored_at_once
from ncf_assets.orchestration import scorers
from ncf_assets.orchestration.checkpoints import Chosen
from ncf_assets.orchestration.fits import TRAINING_INPUTS, interactions, pairs
from ncf_assets.orchestration.publish import AssetRun
from ncf_assets.orchestration.tables import python_tables, sql_table
from ncf_assets.orchestration.trained_models import Training, serving_model, with_chosen
from ncf_assets.orchestration.user_blocks import map_users
from ncf_assets.tables import tables

if TYPE_CHECKING:  # it takes Keras along
    from ncf_assets.ncf.models.fold_in import FoldIn

DETAILS_FOUND = "item_details_file_found"
QUICKLY_FOUND = 50_000  # rows of a row group, of which a question reads few; measured


class ServedConfig(dg.Config):
    """Neural matrix factorization, fitted to all interactions."""

    saved_model: bool = Field(
        False, description="Export a TensorFlow SavedModel for TF Serving as well"
    )


class DetailsConfig(dg.Config):
    """When a file of details is refused."""

    max_unpacked_gb: float = Field(
        200, gt=0, description="What a gzip file may unpack to, in 10^9 bytes"
    )


class RecommendationsConfig(dg.Config):
    """How many recommendations are kept."""

    top_k: int = Field(
        20, ge=1, le=1000, description="Items recommended to each user, fewer if fewer are unseen"
    )


class SimilaritiesConfig(dg.Config):
    """How many similar items are kept."""

    neighbors: int = Field(20, ge=1, le=1000, description="Similar items of each item")


class WeightsConfig(dg.Config):
    """How many weights are kept."""

    weights: int = Field(
        50,  # chosen: recommendations by them are as good as by all (docs/serving.md)
        ge=1,
        le=1000,
        description="Largest weights of each item for others",
    )


popular_items = sql_table("popular_items", "serve")


@python_tables(
    {"item_details": "serve"},
    reads=["items"],
    config=DetailsConfig,
    warning_checks=[
        (
            "item_details",
            DETAILS_FOUND,
            "The file of `details` is there, where the registry names one. If not: put it there, or"
            " correct `details` in datasets.toml, and materialize `item_details+`.",
        )
    ],
)
def item_details(run: AssetRun, config: DetailsConfig) -> None:
    """Read what the registry's file of `details` says of the items; without one, write no rows."""
    paths = run.warehouse.paths
    dataset = load(paths.registry)[run.dataset]
    run.config, run.source, found = {"details": None}, {}, details.Found()
    file = details.locate(dataset, paths.registry.parent, paths.raw)
    missing = _fetch_details(run, dataset, file) if file else None
    run.check_results.append(_details_found(dataset, missing))
    if file and missing:
        run.source = {"path": str(file)}  # what `status` looks for from now on
    elif file:
        run.source = {"path": str(file), **source.signature(file)}
        run.config = {"details": source.fingerprint([file])}
        wanted = set(run.inputs.read("items", ["item_id"])["item_id"])
        found = details.read(file, wanted, int(config.max_unpacked_gb * 1e9))
    rows = [{"item_id": item, **found.rows[item]} for item in sorted(found.rows)]
    run.write("item_details", pa.RecordBatch.from_pylist(rows, tables()["item_details"].schema))
    run.extra_metadata |= {
        "items without details": run.inputs.rows("items") - len(rows),
        "lines that could not be read": found.unread,
    }


def _fetch_details(run: AssetRun, dataset: Dataset, file: Path) -> str | None:
    """Download a file of details that is not there; return why it cannot be had, or None."""
    there, paths = details.published(dataset), run.warehouse.paths
    if there is None or file.is_file():
        return details.refusal(dataset, paths.registry.parent, paths.raw)
    try:
        downloaded(run, there)
    except download.DownloadError as error:
        return details.in_its_words(str(error))
    return None


def _details_found(dataset: Dataset, missing: str | None) -> dg.AssetCheckResult:
    """Warn of a file that cannot be had: titles are an ornament, for which no run should fail."""
    again = f"`ncf-assets materialize {dataset.name} --select item_details+`"
    return dg.AssetCheckResult(
        asset_key="item_details",
        check_name=DETAILS_FOUND,
        passed=missing is None,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"items have no titles: {missing} Then run {again}." if missing else None,
    )


@serving_model(ServedConfig, reads=[*TRAINING_INPUTS, "interactions", "ials_model", "neumf_model"])
def served_model(run: AssetRun, _: ServedConfig) -> tuple[Training, Chosen]:
    """Train NeuMF with the settings and for the epochs of neumf_model, on the test items too."""
    evaluated = run.inputs.record(f"{EVALUATED_MODEL}_model")
    chosen = Chosen.of_record(evaluated)
    config = NeumfConfig.model_validate(evaluated["configuration"])
    config = with_chosen(config, chosen.settings)
    known, factors = interactions(run.inputs, "serve"), scorers.ials(run.inputs, "serve")

    def fold_in(weights: Mapping[str, Any]) -> "FoldIn":
        from ncf_assets.ncf.models import fold_in, ials

        settings = ials.IalsSettings(**run.inputs.record("ials_model")["settings"])
        return fold_in.FoldIn(
            settings,
            ials.unobserved_weight(known, settings),
            factors.solved_for,
            config.settings().factorization_scale,
            {name: np.asarray(weights[name]) for name in fold_in.LEARNT},
        )

    training = next_item_training(run, known, factors, config, "serve")
    return replace(training, fold_in=fold_in), chosen


@python_tables(
    {"recommendations": "serve"},
    reads=["users", "items", "interactions", "served_model"],
    config=RecommendationsConfig,
)
def recommendations(run: AssetRun, config: RecommendationsConfig) -> None:
    """Score every item for every user, and keep the best that a user has not rated."""
    from ncf_assets.ncf.evaluation import neumf_scorer
    from ncf_assets.ncf.models import neumf

    everyone = np.arange(run.inputs.rows("users"), dtype=np.int32)
    seen = pairs(run.inputs, ["interactions"])
    scorer = neumf_scorer.block_scorer(neumf.load(run.inputs.model_file("served_model")))
    best = Recommendations("served_model", scorer, seen, config.top_k)
    users, items = run.inputs.read("users")["user_id"], run.inputs.read("items")["item_id"]
    for columns in map_users(run, best, everyone, scored_at_once(seen.n_items)):
        rows = {
            "user_id": users.take(columns["user"]).array,
            "position": columns["position"],
            "item_id": items.take(columns["item"]).array,
            "score": columns["score"],
            "reason": EVALUATED_MODEL,
        }
        run.write("recommendations", pd.DataFrame(rows))


@python_tables(
    {"item_similarities": "serve"}, reads=["items", "served_model"], config=SimilaritiesConfig
)
def item_similarities(run: AssetRun, config: SimilaritiesConfig) -> None:
    """Compare the embeddings of every pair of items."""
    from ncf_assets.ncf.models import neumf
    from ncf_assets.ncf.recommend import item_similarity

    model = neumf.load(run.inputs.model_file("served_model"))
    top = item_similarity.neighbors(item_similarity.item_vectors(model), config.neighbors)
    columns = top_k.long_form(top)
    item_ids = run.inputs.read("items")["item_id"]
    rows = {
        "item_id": item_ids.take(columns["user"]).array,
        "position": columns["position"],
        "similar_item_id": item_ids.take(columns["item"]).array,
        "similarity": columns["score"],
    }
    run.write("item_similarities", pd.DataFrame(rows))


@python_tables(
    {"item_weights": "serve"},
    reads=[*TRAINING_INPUTS, "interactions", "ease_model", "itemknn_model"],
    config=WeightsConfig,
)
def item_weights(run: AssetRun, config: WeightsConfig) -> None:
    """Fit EASE or ItemKNN to all interactions with its chosen settings."""
    from ncf_assets.ncf.recommend import item_weights

    name, model = scorers.item_to_item(run.inputs, "serve")
    top = item_weights.largest(model.weights_of, run.inputs.rows("items"), config.weights)
    columns = top_k.long_form(top)
    rows = {
        "item": columns["user"],
        "position": columns["position"],
        "recommended_item": columns["item"],
        "weight": columns["score"],
        "model": name,
        "half_life": run.inputs.record(f"{name}_model")["settings"]["half_life"],
    }
    table = pa.Table.from_pandas(pd.DataFrame(rows), preserve_index=False)
    run.write("item_weights", table.to_batches(QUICKLY_FOUND))
