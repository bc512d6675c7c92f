"""A training over several processes: what the chief, which makes the assets, tells the others.

How their sums are taken is `ncf_assets.ncf.team`; which processes there are says TF_CONFIG.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from ncf_assets.assets.partition import Run
from ncf_assets.warehouse import Warehouse
from ncf_assets.warehouse.claims import follow


def join() -> Any:
    """The team whose chief this process is, or None. ValueError if it is another of its members.

    To be called before TensorFlow computes anything, as its collectives ask for.
    """
    if "TF_CONFIG" not in os.environ:
        return None
    from ncf_assets.ncf import team

    _, index = team.place(os.environ["TF_CONFIG"])
    if index:
        raise ValueError(
            f"worker 0 of TF_CONFIG makes the assets, found worker {index}; start"
            " `ncf-assets worker` here, and what makes the assets with index 0"
        )
    return team.of_environment()


def announce(team: Any, run: Run, model: Any, settings: Any) -> None:
    """Tell the others what is about to be trained."""
    task = {
        "dataset": run.dataset,
        "train": run.inputs.hashes["train"],
        "stream": run.config["stream"],
        "sizes": run.sizes(),
        "shapes": {v.path: tuple(v.shape) for v in model.trainable_variables},
        "settings": asdict(settings),
    }
    with team.together():
        team.told(json.dumps(task))


def take_part(team: Any, warehouse: Warehouse) -> Iterator[str]:
    """Follow training after training until the chief ends; yields the dataset of each at its start.

    ValueError if this process sees other data than the chief.
    """
    from ncf_assets.ncf import training
    from ncf_assets.ncf.trainer import TrainingSettings

    while told := team.told():
        task = json.loads(told)
        yield task["dataset"]
        settings = TrainingSettings(**task["settings"])
        examples = _examples(warehouse, task)
        training.follow(examples, task["sizes"], task["shapes"], settings, team)


def _examples(warehouse: Warehouse, task: dict[str, Any]) -> Any:
    from ncf_assets.ncf.examples import Examples, StreamedExamples

    follow(warehouse)
    stamp = warehouse.find_stamp("train", task["dataset"])
    file = warehouse.file("train", task["dataset"])
    if stamp is None or stamp.content != task["train"]:
        raise ValueError(
            f"all processes train on the same data, found {stamp and stamp.content} in {file} and"
            f" {task['train']} at worker 0; share one data folder or object"
            " store, or copy its tables"
        )
    nobody = np.empty(0, np.int32), np.empty((0, 1), np.int32)
    if task["stream"]:
        return StreamedExamples(file, *nobody)
    pairs = warehouse.read("train", task["dataset"])
    return Examples(pairs["user"].to_numpy(), pairs["item"].to_numpy(), *nobody)
