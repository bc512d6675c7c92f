"""A training over several processes: what worker 0, which makes the assets, sends the others.

How their sums are taken is in `ncf_assets.ncf.training.distributed`; TF_CONFIG says which processes
there are.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ncf_assets.ncf.interactions import Room
from ncf_assets.ncf.training.cluster import ONE_PROCESS, Cluster, check_workers, parse_tf_config
from ncf_assets.orchestration.fits import SPLITS, Fit
from ncf_assets.orchestration.publish import AssetRun
from ncf_assets.warehouse.warehouse import Warehouse


def check_tf_config() -> None:
    """Raise ValueError if TF_CONFIG has no sense, or says that this process is not worker 0."""
    config = os.environ.get("TF_CONFIG")
    if config is None:
        return
    _, index = parse_tf_config(config)
    if index:
        raise ValueError(
            f"worker 0 of TF_CONFIG makes the assets, found worker {index}. Start"
            " `ncf-assets train-worker` here, and what makes the assets with index 0."
        )
    check_workers(config)


def join_cluster() -> Cluster:
    """Return the cluster whose worker 0 this process is.

    It must be called before TensorFlow computes anything, as its collectives ask for.
    """
    if "TF_CONFIG" not in os.environ:
        return ONE_PROCESS
    from ncf_assets.ncf.training import distributed

    return distributed.from_env()


def share_training(
    cluster: Cluster,
    run: AssetRun,
    model: Any,
    settings: Any,
    fit: Fit,
    *,
    stream: bool,
    room: Room | None,
) -> None:
    """Send the other workers the training that is about to begin."""
    task = {
        "dataset": run.dataset,
        "fit": fit,
        "content": {split: run.inputs.hashes[split] for split in SPLITS[fit]},
        "stream": stream,
        "sizes": run.sizes(),
        "shapes": {v.path: tuple(v.shape) for v in model.trainable_variables},
        "settings": asdict(settings),
        "room": room and asdict(room),
    }
    with cluster.collective_errors():
        cluster.broadcast(json.dumps(task))


def run_worker(cluster: Cluster, warehouse: Warehouse) -> Iterator[str]:
    """Follow training after training until worker 0 ends; yield the dataset of each at its start.

    ValueError if this process sees other data than worker 0.
    """
    import tensorflow as tf

    from ncf_assets.ncf.training import loop
    from ncf_assets.ncf.training.epoch import Pointwise, TrainingSettings
    from ncf_assets.ncf.training.training_data import read_pairs

    while message := cluster.broadcast():
        task = json.loads(message)
        yield task["dataset"]
        settings, (n_users, n_items) = TrainingSettings(**task["settings"]), task["sizes"]
        files, room = _files(warehouse, task), task["room"] and Room(**task["room"])
        pairs = read_pairs(files, n_users, n_items, task["stream"], room)
        zeros = {path: tf.zeros(shape) for path, shape in task["shapes"].items()}
        loop.follow(Pointwise(pairs, n_items, settings, cluster, room), zeros, cluster)


def _files(warehouse: Warehouse, task: dict[str, Any]) -> list[Path]:
    """Return the files of the splits to train on. ValueError if worker 0 has others."""
    files = []
    for split, content in task["content"].items():
        provenance = warehouse.find_provenance(split, task["dataset"])
        if provenance is None or provenance.content_hash != content:
            raise ValueError(
                "all processes train on the same data, found"
                f" {provenance and provenance.content_hash} of {split} in {warehouse.name} and"
                f" {content} at worker 0. Share one data folder, or copy its tables."
            )
        files.append(warehouse.existing(split, task["dataset"]))
    return files
