"""How a model that is solved for in one go becomes an asset, and how it is had again.

`refit` fits a model with its chosen settings to the interactions of another fit.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import dagster as dg
import numpy as np

from ncf_assets.hashing import hash_arrays
from ncf_assets.orchestration.code_version import code_version
from ncf_assets.orchestration.fits import TRAINING_INPUTS, Fit
from ncf_assets.orchestration.models import (
    ModelConfig,
    ModelFactory,
    model_factory,
    model_metadata,
    nothing_to_search,
    searched,
    settings_metadata,
)
from ncf_assets.orchestration.publish import AssetRun
from ncf_assets.warehouse.provenance import Provenance


@dataclass(frozen=True)
class Fitted:
    """A fitted model: the arrays of its file, and the settings that were chosen for it.

    `ndcg` is that of the settings on validation, None without validation users; `search_space` has
    the values of which they were chosen; `packages` are those that the numbers depend on besides
    what every model reads with.
    """

    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    ndcg: float | None = None
    n_tried: int = 0
    search_space: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    packages: tuple[str, ...] = ("scipy",)

    def content_hash(self, fit: Fit) -> str:
        """Return the hash of all arrays and settings.

        `fit` counts too, as the fit of a blend is in none of its numbers.
        """
        numbers = {name: np.array(value, np.float64) for name, value in self.settings.items()}
        fitted_to = np.frombuffer(fit.encode(), np.uint8)
        return hash_arrays({**self.arrays, **numbers, "fit": fitted_to})


FitFunction = Callable[[AssetRun, Any], Fitted]


def fitted_model(
    config_type: type[ModelConfig], reads: Iterable[str] = ()
) -> Callable[[FitFunction], ModelFactory]:
    """Make an asset of a function that fits a model in one go, named like the function."""

    def wrap(fit: FitFunction) -> ModelFactory:
        def work(run: AssetRun, config: Any) -> Iterator[Any]:
            yield from _publish(run, fit.__name__, config, fit(run, config))

        check = (
            f"{fit.__name__}_is_finite",
            "Every number of the fitted model is finite. If not: report it with the dataset and"
            " the settings of its model.json.",
        )
        version = code_version(fit, fitted_model)
        upstream = (*TRAINING_INPUTS, *reads)
        made = model_factory(fit, config_type, work, upstream, {"numpy"}, version, check)

        def validate(run: AssetRun, config: ModelConfig, _: Any) -> Any:
            return _validated(fit(run, config.model_copy(update={"refit": False})))

        return ModelFactory(made.assets, made.reads, made.build, version, config_type, validate)

    return wrap


def _validated(fitted: Fitted) -> Any:
    """Return what a fit to train has reached on validation."""
    from ncf_assets.ncf.training.tuning import Tried

    if fitted.ndcg is None:
        raise nothing_to_search()
    return Tried(fitted.ndcg)


def chosen(selection: Any, arrays: Mapping[str, np.ndarray]) -> Fitted:
    """Return the model of a `model_selection.Selection`."""
    return Fitted(
        arrays,
        asdict(selection.settings),
        selection.ndcg,
        selection.n_tried,
        {name: list(listed) for name, listed in selection.values.items()},
    )


def _publish(run: AssetRun, asset: str, config: ModelConfig, fitted: Fitted) -> Iterator[Any]:
    """Check that all numbers are finite, and put file and record in place."""
    finite = all(np.isfinite(values).all() for values in fitted.arrays.values())
    yield dg.AssetCheckResult(check_name=f"{asset}_is_finite", passed=bool(finite))
    if not finite:
        raise dg.Failure(
            f"{asset} of dataset {run.dataset} was not published: some of its numbers are not"
            " finite. Report it with the dataset and this run's configuration.",
            allow_retries=False,
        )
    n_numbers = sum(values.size for values in fitted.arrays.values())
    provenance = Provenance(
        content_hash=fitted.content_hash(config.evaluated_fit),
        rows=n_numbers,
        **run.provenance(asset),
    )
    run.check_publishable()
    record = {
        **model_metadata(run, fitted.packages, config.evaluated_fit),
        "settings": dict(fitted.settings),
        "validation_ndcg_at_10": fitted.ndcg,
        **searched(run, asset, fitted.search_space, fitted.settings, fitted.n_tried),
    }
    with run.warehouse.stage_model(asset, run.dataset, ".npz") as path:
        np.savez(path, allow_pickle=False, **fitted.arrays)
        file = run.warehouse.publish_model(
            asset, run.dataset, [path], provenance, record, run.seen[asset]
        )
    shown: dict[str, Any] = {"file": dg.MetadataValue.path(run.warehouse.published.name(file))}
    shown |= settings_metadata(run.config, fitted.settings, record)
    if fitted.ndcg is not None:
        shown["validation NDCG@10"] = round(fitted.ndcg, 4)
    yield dg.MaterializeResult(
        data_version=dg.DataVersion(provenance.content_hash),
        metadata={
            **shown,
            "fit": config.evaluated_fit,
            "numbers": n_numbers,
            "content hash": provenance.content_hash,
            **run.usage.as_metadata(),
        },
    )
