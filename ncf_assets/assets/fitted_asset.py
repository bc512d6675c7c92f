"""How a baseline that is fitted in one go becomes a Dagster asset: fit, choose, check, publish.

Its file holds plain arrays. Networks, which are trained epoch by epoch, are `model_asset`.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import numpy as np
from pydantic import Field

from ncf_assets.assets.learned_asset import how_it_was_made, learned_asset, validation_lists
from ncf_assets.assets.partition import Run
from ncf_assets.ncf.randomness import rng
from ncf_assets.warehouse import Stamp


class FitConfig(dg.Config):
    """What all fitted baselines have in common: their settings are chosen on validation."""

    seed: int = Field(2017, ge=0, description="Seed of the draw of validation users")
    validation_users: int = Field(
        10_000, ge=1, description="Validation users at most on which settings are chosen"
    )


@dataclass(frozen=True)
class Fitted:
    """A fitted baseline: what its file holds and its record says; or why there is none."""

    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    skipped: str | None = None

    @property
    def content(self) -> str:
        """Hash of all arrays, or of the reason that there are none."""
        total = hashlib.blake2b((self.skipped or "").encode(), digest_size=8)
        for name, values in self.arrays.items():
            total.update(f"{name} {values.dtype} {values.shape} ".encode())
            total.update(np.ascontiguousarray(values).data)
        return total.hexdigest()


Fit = Callable[[Run, Any], Fitted]


def fitted_asset(
    name: str, config_type: type[FitConfig], modules: tuple[str, ...]
) -> Callable[[Fit], dg.AssetsDefinition]:
    """Make an asset of a function `(run, config) -> Fitted`."""

    def wrap(fit: Fit) -> dg.AssetsDefinition:
        def work(run: Run, config: FitConfig) -> Iterator[Any]:
            yield from _publish(run, name, fit(run, config))

        return learned_asset(
            name,
            config_type,
            work,
            description=f"{config_type.__doc__}\n\n{fit.__doc__}",
            reads=(),
            kinds={"numpy"},
            code=(fit.__module__, __name__, *modules),
            check=(
                f"{name}_is_finite",
                "Every number of the fitted model is finite. If not: report it with the"
                " dataset and the settings of its model.json.",
            ),
        )

    return wrap


def some_validation_lists(run: Run, config: FitConfig) -> tuple[np.ndarray, np.ndarray]:
    """Users [n] and their candidates [n, 1 + negatives]: all, or as many as asked for, drawn."""
    users, lists = validation_lists(run.inputs)
    drawn = rng(config.seed, "validation users").permutation(users.size)
    some = np.sort(drawn[: config.validation_users])
    return users[some], lists[some]


def _publish(
    run: Run, asset: str, fitted: Fitted
) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[Any]]:
    """Check that the numbers are finite, and put file and record in place."""
    finite = all(np.isfinite(values).all() for values in fitted.arrays.values())
    yield dg.AssetCheckResult(check_name=f"{asset}_is_finite", passed=bool(finite))
    if not finite:
        raise dg.Failure(
            f"{asset} of dataset {run.dataset} was not published: some of its numbers are not"
            " finite; report it with the dataset and this run's configuration",
            allow_retries=False,
        )
    parameters = sum(values.size for values in fitted.arrays.values())
    stamp = Stamp(content=fitted.content, rows=parameters, **run.origin(asset))
    run.inputs.check_unchanged()
    record = {**how_it_was_made(run, ("numpy", "scipy")), **fitted.facts, "skipped": fitted.skipped}
    if fitted.skipped:
        record |= {"file": None, "stamp": stamp.to_json()}
        run.warehouse.publish_record(asset, run.dataset, record)
        shown: dict[str, Any] = {"skipped": fitted.skipped}
    else:
        with run.warehouse.unsaved_model(asset, run.dataset, ".npz") as path:
            np.savez(path, allow_pickle=False, **fitted.arrays)
            file = run.warehouse.publish_model(asset, run.dataset, path, stamp, record)
        shown = {"dagster/uri": dg.MetadataValue.path(str(file))}
    yield dg.MaterializeResult(
        data_version=dg.DataVersion(stamp.content),
        metadata={
            **shown,
            **fitted.facts,
            "numbers": parameters,
            "content hash": stamp.content,
            **run.effort.so_far(),
        },
    )
