"""Seeds: each network is trained again with other seeds, and ranked, to tell skill from luck.

The model that is published, compared by epochs and served is that of the first seed.
"""

from typing import Any

import dagster as dg
import numpy as np
import pandas as pd
from pydantic import Field

from ncf_assets.assets.rank import RankedItems
from ncf_assets.assets.train import gmf_model, mlp_model, neumf_model, neumf_scratch_model
from ncf_assets.orchestration.checkpoints import FinishedStore
from ncf_assets.orchestration.distributed import join_cluster
from ncf_assets.orchestration.fits import TRAINING_INPUTS
from ncf_assets.orchestration.publish import AssetRun
from ncf_assets.orchestration.tables import python_tables
from ncf_assets.orchestration.trained_models import NetworkFactory
from ncf_assets.tables import tables

NETWORKS = (gmf_model, mlp_model, neumf_model, neumf_scratch_model)  # by name, as rows are
COUNTS = ("n_candidates", "n_better", "n_tied")


class SeedsConfig(dg.Config):
    """How often each network is trained for its evaluation."""

    seeds: int = Field(
        3,
        ge=1,
        le=100,
        description="Seeds of each network, its model's own among them; with 1 no network is"
        " trained again, and how much depends on the seed stays unknown",
    )


@python_tables(
    {"seed_ranks": "evaluate"},
    reads=[
        *TRAINING_INPUTS,
        "interactions",
        "test_candidates",
        "test_ranks",
        "ials_model",
        *(network.assets[0] for network in NETWORKS),
    ],
    config=SeedsConfig,
    kind="tensorflow",
)
def seed_ranks(run: AssetRun, config: SeedsConfig) -> None:
    """Train each network again, by its own configuration but for the seed, and rank test items."""
    columns = tables()["seed_ranks"].schema.names
    if config.seeds == 1:
        run.write("seed_ranks", pd.DataFrame(columns=columns))
        return
    join_cluster()  # before any work, as TensorFlow's collectives ask for
    kept = FinishedStore(run, "seed_ranks")
    finished, ranks = kept.load(), run.inputs.read("test_ranks")
    ranked = RankedItems.of(run.inputs)
    for network in NETWORKS:
        model = network.model
        settings = run.inputs.record(f"{model}_model")["configuration"]
        own, first = ranks[ranks["model"] == model], settings["seed"]
        run.write("seed_ranks", own.assign(seed=first)[columns])
        for seed in range(first + 1, first + config.seeds):
            name = f"{model}/{seed}"
            if name not in finished:
                run.context.log.info(f"{model}, seed {seed - first + 1} of {config.seeds}")
                finished[name] = _counts(run, ranked, network, {**settings, "seed": seed})
                kept.save(finished)
            counts = dict(zip(COUNTS, finished[name].T, strict=True))
            run.write("seed_ranks", own.assign(seed=seed, **counts)[columns])
    kept.delete()


def _counts(
    run: AssetRun, ranked: RankedItems, network: NetworkFactory, settings: dict[str, Any]
) -> np.ndarray:
    """Train a network and rank the test items: int32 [2 * held-out items, COUNTS], full first."""
    from ncf_assets.ncf.evaluation.neumf_scorer import block_scorer

    scorer = block_scorer(network.train(run, settings).model)
    ranks, _ = ranked.rank(run, [(network.model, scorer)])
    return ranks[0][list(COUNTS)].to_numpy()
