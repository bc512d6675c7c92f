"""What every model does as a Dagster asset, network or not: read one lineage, work, and say how.

What is trained epoch by epoch is `model_asset`; what is fitted in one go, `fitted_asset`.
"""

import platform
from collections.abc import Callable, Iterable, Iterator
from importlib import metadata
from typing import Any

import dagster as dg
import numpy as np

from ncf_assets.assets.code import code_version
from ncf_assets.assets.failing import told
from ncf_assets.assets.inputs import Inputs
from ncf_assets.assets.partition import DATASETS, Run, check_spec, settings_of
from ncf_assets.assets.table_spec import OWNERS, WHEN_UPSTREAM_IS_NEW
from ncf_assets.assets.teamwork import join
from ncf_assets.warehouse import Warehouse

READS = ("users", "items", "train", "validation", "negatives")


def learned_asset(
    name: str,
    config_type: type[dg.Config],
    work: Callable[[Run, Any], Iterator[Any]],
    *,
    description: str,
    reads: Iterable[str],
    kinds: set[str],
    code: Iterable[str],
    check: tuple[str, str],
) -> dg.AssetsDefinition:
    """Make an asset of `(run, config) -> check results and the materialization`.

    `reads` are beside READS; `code` are the modules that its version hashes beside this one;
    `check` is the name and the description of its check.
    """
    upstream = (*READS, *reads)

    @dg.asset(
        name=name,
        deps=upstream,
        group_name="train",
        kinds=kinds,
        owners=OWNERS,
        tags={"makes": "model"},
        automation_condition=WHEN_UPSTREAM_IS_NEW,
        description=description,
        partitions_def=DATASETS,
        code_version=code_version(__name__, *code),
        check_specs=[check_spec(name, *check)],
    )
    def body(
        context: dg.AssetExecutionContext,
        config: config_type,  # type: ignore[valid-type]
        warehouse: dg.ResourceParam[Warehouse],
    ) -> Iterator[Any]:
        with told(context, warehouse, (name,)):
            inputs = Inputs.of_one_lineage(warehouse, context.partition_key, upstream)
            join()  # before any work, as other models start TensorFlow too
            yield from work(Run(context, warehouse, inputs, settings_of(config)), config)

    return body


def train_pairs(inputs: Inputs) -> tuple[np.ndarray, np.ndarray]:
    """Users [n] and items [n] of the train interactions."""
    train = inputs.read("train", ["user", "item"])
    return train["user"].to_numpy(), train["item"].to_numpy()


def validation_lists(inputs: Inputs) -> tuple[np.ndarray, np.ndarray]:
    """Users [n] and their candidates [n, 1 + negatives], the held-out item first."""
    held_out = inputs.read("validation", ["user", "item"])
    negatives = inputs.read("negatives", ["split", "item"])
    drawn = negatives.loc[negatives["split"] == "validation", "item"].to_numpy()
    items = held_out["item"].to_numpy()
    # of one lineage, both tables have the same users in order, and each as many negatives
    lists = np.column_stack([items, drawn.reshape(len(items), len(drawn) // max(1, len(items)))])
    return held_out["user"].to_numpy(), lists


def how_it_was_made(run: Run, packages: Iterable[str]) -> dict[str, Any]:
    """What any model.json says beside the file's name and the stamp."""
    return {
        "configuration": dict(run.config),
        "seed": run.config["seed"],
        "versions": {
            "python": platform.python_version(),
            **{package: metadata.version(package) for package in ("ncf-assets", *packages)},
        },
        "trained_on": run.inputs.hashes,
    }
