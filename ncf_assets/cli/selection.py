"""`--select`: Dagster's own syntax for assets, in which names may stand without `key:`.

Commas mean `or`, as they do on many command lines.
"""

import re
import warnings
from collections.abc import Mapping, Sequence

import click
import dagster as dg
from dagster._core.definitions.asset_selection import DagsterInvalidAssetSelectionError

from ncf_assets.cli.arguments import EVERYTHING, asset_names, check_known, definitions
from ncf_assets.cli.run_config import makers

TOKEN = re.compile(
    r"""(?P<attribute>\w+:(?:"[^"]*"|[\w.*/-]+)?(?:=(?:"[^"]*"|[\w./-]+))?)
    |(?P<word>(?:and|or|not|roots|sinks)\b)
    |(?P<comma>,)
    |(?P<name>[A-Za-z_]\w*)""",
    re.VERBOSE | re.IGNORECASE,
)
EXAMPLES = "such as neumf_model+, +metrics, group:train, or `kind:keras and not key:mlp_model`"


def resolve_selection(select: str) -> set[dg.AssetKey]:
    """Return the assets that a selection names, with those that the same function makes.

    Raise UsageError for what is no selection, an unknown name, and a selection of nothing.
    """
    names = asset_names()
    bare = [found["name"] for found in TOKEN.finditer(select) if found["name"]]
    _check_names(bare, names)
    everything = dg.AssetSelection.assets(*names)
    try:
        with warnings.catch_warnings():
            # Dagster's own parser passes a parameter that is in beta.
            warnings.simplefilter("ignore", dg.BetaWarning)
            selection = dg.AssetSelection.from_string(TOKEN.sub(_in_dagsters_syntax, select))
        whole = selection.required_multi_asset_neighbors() & everything
        found = set(whole.resolve(definitions().resolve_asset_graph()))
    except (DagsterInvalidAssetSelectionError, NotImplementedError) as error:
        raise click.UsageError(
            f"--select does not understand {select!r}. Give a selection {EXAMPLES}."
        ) from error
    if not found:
        raise click.UsageError(
            f"--select {select!r} selects no asset of the job {EVERYTHING}. Groups are"
            f" {', '.join(_groups())}; assets are {', '.join(names)}."
        )
    return found


def _in_dagsters_syntax(token: re.Match[str]) -> str:
    if token["comma"]:
        return " or "
    return f'key:"{token["name"]}"' if token["name"] else token[0]


def _check_names(given: Sequence[str], known: Sequence[str]) -> None:
    made_by = _made_by()
    for name in given:
        if name in made_by and name not in known:
            made = ", ".join(sorted(made_by[name]))
            raise click.UsageError(f"{name!r} is a step that makes {made}. Select one of them.")
    check_known("asset", given, known, f"the job {EVERYTHING}")


def _made_by() -> Mapping[str, list[str]]:
    """Return the assets of each step that has a name of its own."""
    found: dict[str, list[str]] = {}
    for asset, step in makers(definitions().resolve_job_def(EVERYTHING)).items():
        found.setdefault(step, []).append(asset)
    return found


def _groups() -> list[str]:
    graph = definitions().resolve_job_def(EVERYTHING).asset_layer.asset_graph
    return sorted({str(graph.get(key).group_name) for key in graph.executable_asset_keys})
