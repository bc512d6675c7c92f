"""What all models have in common as assets: their settings, inputs, records and wrapping.

`fitted_models` has those that are solved for in one go, `trained_models` the networks. What the
models are is in `ncf_assets.ncf.models`.
"""

import inspect
import platform
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Annotated, Any

import dagster as dg
import pandas as pd
from pydantic import Field, ValidationInfo, field_validator

from ncf_assets.orchestration.distributed import join_cluster
from ncf_assets.orchestration.fits import Fit
from ncf_assets.orchestration.metadata import code_references, table_metadata
from ncf_assets.orchestration.partitions import (
    OWNERS,
    WHEN_UPSTREAM_IS_NEW,
    AssetFactory,
    Partitions,
    check_spec,
)
from ncf_assets.orchestration.publish import AssetRun, asset_run
from ncf_assets.orchestration.upstream import reads_metadata
from ncf_assets.warehouse.warehouse import Warehouse

# values to try of a setting
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]

READERS = ("numpy", "pandas", "pyarrow")  # what every model is fitted to goes through them
Work = Callable[[AssetRun, Any], Iterator[Any]]


class ModelConfig(dg.Config):
    """What all models have in common: their settings are chosen on validation."""

    seed: int = Field(2017, ge=0, description="Seed of the draw of validation users, and of others")
    validation_users: int = Field(
        10_000, ge=1, description="Validation users at most by whom settings or epochs are chosen"
    )
    refit: bool = Field(
        True,
        description="Fit again, to train and validation, before the test; without it the test items"
        " meet the model that validation has chosen, which knows train alone",
    )

    tried: int = Field(
        0,
        ge=0,
        description="Settings that a search has tried before, which `--tuned` takes from it; the"
        " record counts them",
    )

    @field_validator("*")
    @classmethod
    def _check_ascending(cls, values: Any, info: ValidationInfo) -> Any:
        """Refuse values to try in another order: a search goes from one to the next."""
        if not isinstance(values, list) or info.field_name == "layers":  # which are one value
            return values
        of_half_life = info.field_name == "half_life"  # 0 is no weights, as by ever longer ones
        if values != sorted({*values}, key=lambda x: (of_half_life and x == 0, x)):
            last = ", 0 last" if of_half_life else ""
            raise ValueError(f"list the values once each, from low to high{last}, found {values}")
        return values

    @classmethod
    def search_space(cls) -> dict[str, list[Any]]:
        """Return the values that `ncf-assets tune` tries of each setting: those of its lists."""
        defaults = {name: field.default for name, field in cls.model_fields.items()}
        return {name: values for name, values in defaults.items() if isinstance(values, list)}

    @classmethod
    def begins_with(cls) -> dict[str, Any]:
        """Return the values of these settings that a run begins with: defaults, or middle ones."""
        defaults = {name: cls.model_fields[name].default for name in cls.search_space()}
        return {
            name: value[len(value) // 2] if isinstance(value, list) else value
            for name, value in defaults.items()
        }

    @classmethod
    def of_trial(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return the configuration that stands for one value of each of these settings."""
        return {
            name: [value] if isinstance(cls.model_fields[name].default, list) else value
            for name, value in settings.items()
        }

    @property
    def evaluated_fit(self) -> Fit:
        """The fit whose model is published and evaluated on test."""
        return "test" if self.refit else "choose"


@dataclass(frozen=True)
class ModelFactory(AssetFactory):
    """Builds the asset of a model, and tries its settings for other assets."""

    version: str
    config_type: type[ModelConfig]
    # fits by a configuration to train, calls back after each epoch, and validates
    validate: Callable[[AssetRun, ModelConfig, Any], Any]

    @property
    def model(self) -> str:
        """The name that the model has in tables."""
        return self.assets[0].removesuffix("_model")


def model_factory(
    function: Callable[..., Any],
    config_type: type[dg.Config],
    work: Work,
    reads: Iterable[str],
    kinds: set[str],
    version: str,
    check: tuple[str, str],
    group: str = "train",
) -> AssetFactory:
    """Wrap `(run, config) -> check results and the materialization` into an asset."""
    name, upstream = function.__name__, tuple(reads)

    def build(partitions: Partitions, deps: Collection[str]) -> dg.AssetsDefinition:
        @dg.asset(
            name=name,
            deps=deps,
            metadata=reads_metadata(upstream) | code_references(None, function),
            group_name=group,
            kinds=kinds,
            owners=OWNERS,
            tags={"makes": "model"},
            automation_condition=WHEN_UPSTREAM_IS_NEW,
            description="\n\n".join(str(inspect.getdoc(one)) for one in (config_type, function)),
            partitions_def=partitions,
            code_version=version,
            check_specs=[check_spec(name, *check, partitions)],
        )
        def body(
            context: dg.AssetExecutionContext,
            config: config_type,  # type: ignore[valid-type]
            warehouse: dg.ResourceParam[Warehouse],
        ) -> Iterator[Any]:
            settings, dataset = config.model_dump(), context.partition_key  # type: ignore[attr-defined]
            with asset_run(context, warehouse, upstream, settings, dataset, assets=(name,)) as run:
                join_cluster()  # before any work, as other models start TensorFlow too
                yield from work(run, config)

        return body

    return AssetFactory((name,), upstream, build)


def model_metadata(run: AssetRun, packages: Iterable[str], fit: Fit) -> dict[str, Any]:
    """Return what any model.json says besides the file's name and the provenance."""
    return {
        "fit": fit,
        "configuration": dict(run.config),
        "versions": {
            "python": platform.python_version(),
            **{
                package: metadata.version(package)
                for package in ("ncf-assets", *READERS, *packages)
            },
        },
        "trained_on": run.inputs.hashes,
    }


def settings_metadata(
    config: Mapping[str, Any], chosen: Mapping[str, Any], record: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what the UI shows of a model's settings: each, of which values, and which at an edge.

    `config` is the run configuration, of which `chosen` has what a search found, and `record` says
    what `searched` returned.
    """
    space, at_edge = record.get("search_space", {}), record.get("at_edge", [])
    rows = [
        {
            "setting": name,
            "value": chosen.get(name, value),
            "chosen among": ", ".join(f"{x:g}" for x in space.get(name, ())),
        }
        for name, value in {**config, **chosen}.items()
    ]
    warning = ", ".join(f"{name} {chosen[name]:g}" for name in at_edge)
    return {
        "settings": table_metadata(pd.DataFrame(rows)),
        "settings tried": record.get("settings_tried", 0),
        "at the edge": f"{warning}: a better value may lie beyond" if warning else "none",
    }


def nothing_to_search() -> dg.Failure:
    """Return the failure of a search on a dataset without validation items."""
    return dg.Failure(
        "there is nothing to search by: no user has a validation item. Search on a dataset with"
        " users of three interactions or more.",
        allow_retries=False,
    )


def searched(
    run: AssetRun,
    asset: str,
    space: Mapping[str, Sequence[Any]],
    chosen: Mapping[str, Any],
    n_tried: int,
) -> dict[str, Any]:
    """Return what model.json says of the search for settings; warn of a choice at an edge.

    `space` has the ascending values of each setting, and `chosen` one of each.
    """
    from ncf_assets.ncf.models.model_selection import at_edge

    at = at_edge(space, chosen) if n_tried else []
    for name in at:
        run.context.log.warning(
            f"{asset} chose {name} {chosen[name]:g}, the end of the values from"
            f" {space[name][0]:g} to {space[name][-1]:g}: a better one may lie beyond. Widen"
            f" `{name}` in its configuration."
        )
    return {
        "search_space": {name: list(listed) for name, listed in space.items()},
        "settings_tried": n_tried + run.config.get("tried", 0),
        "at_edge": at,
    }
