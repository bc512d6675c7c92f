"""Check the settings in a run configuration by the classes of the assets, before anything runs.

Dagster itself, and so the launchpad of its UI, checks names and types, but no ranges: a step would
fail when its turn comes.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import pydantic

Classes = dict[str, type[dg.Config]]  # by the name of the op


def configurations(job: dg.JobDefinition) -> Classes:
    """Return the class of each op that has settings, in the order of the run."""
    found: Classes = {}
    for node in job.nodes_in_topological_order:
        function: Any = getattr(node.definition, "compute_fn", None)
        if function.has_config_arg():
            config = function.get_config_arg().annotation
            if config.model_fields:
                found[node.name] = config
    return found


def out_of_range(job: dg.JobDefinition, config: Mapping[str, Any]) -> list[str]:
    """Return a line for each setting that its class refuses.

    Raise DagsterInvalidConfigError for names and types that are not those of the job.
    """
    complete = dg.validate_run_config(job, dict(config))
    classes = configurations(job)
    complaints = []
    for op in (config.get("ops") or {}).keys() & classes.keys():
        try:
            classes[op](**complete["ops"][op]["config"])
        except pydantic.ValidationError as error:
            complaints += [_complaint(op, found) for found in error.errors()]
    return sorted(complaints)


def _complaint(op: str, error: Any) -> str:
    place = ".".join(["ops", op, "config", *map(str, error["loc"])])
    found = "" if "found" in error["msg"] else f", found {error['input']!r}"
    return f"{place}: {error['msg'].removeprefix('Value error, ')}{found}"
