"""`--config FILE`: the run configuration of commands that materialize, read and checked."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

import click
import dagster as dg
import yaml
from dagster._config import ConfigTypeKind

from ncf_assets.cli.arguments import definitions
from ncf_assets.datasets.text_file import EncodingError, read_utf8
from ncf_assets.orchestration.run_settings import Classes, configurations, out_of_range
from ncf_assets.suggestion import suggestion

WORDS = {"Int": "a whole number", "Float": "a number", "Bool": "true or false", "String": "text"}


class _Loader(yaml.SafeLoader):
    """A loader for which 5e-4 is a number, as in YAML 1.2; in YAML 1.1, it is a text."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+"), list("-+0123456789")
)

config_option = click.option(
    "--config",
    "config_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Run configuration as YAML, as in the launchpad of the Dagster UI.",
)


def read_config(file: Path | None) -> dict[str, Any]:
    """Read the run configuration in a YAML file; it is empty without one."""
    if file is None:
        return {}
    try:
        config = yaml.load(read_utf8(file), _Loader)  # noqa: S506  # is safe
    except yaml.YAMLError as error:
        raise click.ClickException(f"{file} is not YAML: {error}") from error
    except EncodingError as error:
        raise click.ClickException(str(error)) from error
    if not isinstance(config, dict):
        raise click.ClickException(
            f"{file} must be a mapping such as `ops: {{ials_model: {{config: {{factors: 64}}}}}}`,"
            f" found {type(config).__name__}"
        )
    return config


seeds_option = click.option(
    "--seeds",
    type=click.IntRange(1, 100),
    help="Seeds with which each network is trained for its evaluation: 3 by default, 1 is soonest.",
)


def with_seeds(config: dict[str, Any], seeds: int | None) -> dict[str, Any]:
    """Add what --seeds says to a run configuration."""
    if seeds is None:
        return config
    return merge({"ops": {"seed_ranks": {"config": {"seeds": seeds}}}}, config, "--seeds")


def with_processes(config: dict[str, Any], processes: int | None) -> dict[str, Any]:
    """Add what --processes says to a run configuration; refuse what both set."""
    if processes is None:
        return config
    if "execution" in config:
        raise click.UsageError("--processes sets execution. Take it out of --config.")
    how = {"multiprocess": {"max_concurrent": processes}} if processes > 1 else {"in_process": {}}
    return config | {"execution": {"config": how}}


def merge(more: dict[str, Any], config: dict[str, Any], option: str) -> dict[str, Any]:
    """Add to a run configuration what an option sets; refuse what both set."""
    ops = dict(config.get("ops") or {})
    for op, settings in more["ops"].items():
        own, new = (ops.get(op) or {}).get("config") or {}, settings["config"]
        if both := sorted(own.keys() & new.keys()):
            raise click.UsageError(
                f"{option} sets {', '.join(both)} of {op}. Take it out of --config."
            )
        ops[op] = {"config": own | new}
    return {**config, "ops": ops}


def check_config(job_name: str, config: dict[str, Any]) -> None:
    """Raise for what an asset of the job would refuse, before anything runs."""
    job = definitions().resolve_job_def(job_name)
    try:
        complaints = out_of_range(job, config)
    except dg.DagsterInvalidConfigError as error:
        classes = configurations(job)
        _refuse(_misplaced(found, job, classes) for found in error.errors)
    if complaints:
        _refuse(complaints)


def makers(job: dg.JobDefinition) -> dict[str, str]:
    """Return the op of each asset whose op has another name, as it makes several assets."""
    graph = job.asset_layer.asset_graph
    made = {key.to_user_string(): graph.get(key) for key in job.asset_layer.selected_asset_keys}
    ops = {asset: node.assets_def.op.name for asset, node in made.items()}
    return {asset: op for asset, op in ops.items() if op != asset}


def _refuse(complaints: Iterable[str]) -> NoReturn:
    raise click.ClickException("\n".join(("--config does not fit the assets:", *complaints)))


def _misplaced(error: Any, job: dg.JobDefinition, classes: Classes) -> str:
    """Names that are not there with the nearest, or a value of another type."""
    what, levels = error.error_data, [str(level) for level in error.stack.levels]
    names = getattr(what, "field_names", None) or [getattr(what, "field_name", None)]
    if names == [None]:
        found = "nothing" if what.value_rep == "None" else what.value_rep
        place, wanted = ".".join(levels), _wanted(what.config_type_snap)
        return f"{place} must be {wanted}, found {found}. Correct it."
    known = _known(levels, job, classes)
    where = ".".join(levels) or "the outermost level of the file"
    made_by = makers(job) if levels == ["ops"] else {}
    hints = (
        f"{name} is made by {made_by[name]}, whose settings have that name."
        if name in made_by
        else "Put it below `ops`."
        if not levels and name in classes
        else suggestion(name, known)
        if known
        else "Leave it out."
        for name in names
    )
    return "\n".join(
        f"no {name!r} in {where}. {hint}" for name, hint in zip(names, hints, strict=True)
    )


def _wanted(config_type: Any) -> str:
    """Return what a setting must be, in the words of YAML's readers."""
    if config_type.kind == ConfigTypeKind.ARRAY:
        return "a list"
    if config_type.kind == ConfigTypeKind.ENUM:
        return " or ".join(value.value for value in config_type.enum_values)
    return WORDS.get(config_type.given_name, "a mapping")


def _known(levels: list[str], job: dg.JobDefinition, classes: Classes) -> list[str]:
    """Return the names that a mapping in a run configuration may have, by its place."""
    match levels:
        case []:
            return ["ops", "execution"]
        case ["ops"]:
            return [node.name for node in job.nodes_in_topological_order]
        case ["ops", _]:
            return ["config"]
        case ["ops", op, "config"] if op in classes:
            return list(classes[op].model_fields)
    return []
