"""Backfills of assets, through GraphQL: Dagster has no command and no Python API for them."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from ncf_assets.cli.dagster_home import workspace_options

_RESULT = """{
  __typename
  ... on LaunchBackfillSuccess { backfillId }
  ... on PythonError { message }
  ... on PartitionKeysNotFoundError { message }
  ... on UnauthorizedError { message }
}"""
_LAUNCH = (
    "mutation ($params: LaunchBackfillParams!) { result: launchPartitionBackfill"
    f"(backfillParams: $params) {_RESULT} }}"
)
_RETRY = (
    "mutation ($params: ReexecutionParams) { result: reexecutePartitionBackfill"
    f"(reexecutionParams: $params) {_RESULT} }}"
)
_CANCEL = (
    "mutation ($id: String!) { result: cancelPartitionBackfill(backfillId: $id) { __typename } }"
)


def launch_backfill(
    datasets: Sequence[str], assets: Sequence[str], config: Mapping[str, Any]
) -> str:
    """Record a backfill of these assets and datasets; its id."""
    return _mutate(
        _LAUNCH,
        {
            "assetSelection": [{"path": [asset]} for asset in assets],
            "partitionNames": list(datasets),
            "runConfigData": json.dumps(config),
            "title": f"ncf-assets backfill {' '.join(datasets)}"[:100],
        },
    )


def retry_failed(backfill_id: str) -> str:
    """Record a backfill of what failed in another one and of what follows from it; its id."""
    return _mutate(_RETRY, {"parentRunId": backfill_id, "strategy": "FROM_FAILURE"})


def cancel_backfill(backfill_id: str) -> None:
    """Ask Dagster to end a backfill's runs and close it."""
    _execute(_CANCEL, {"id": backfill_id})


def _mutate(mutation: str, params: Mapping[str, Any]) -> str:
    """Record a backfill; its id. Raises ClickException where Dagster refuses."""
    answer = _execute(mutation, {"params": params})
    result = (answer.get("data") or {}).get("result") or {}
    if result.get("__typename") != "LaunchBackfillSuccess":
        reason = result.get("message") or json.dumps(answer.get("errors") or result)[:2000]
        raise click.ClickException(f"Dagster refused the backfill: {reason}")
    return str(result["backfillId"])


def _execute(mutation: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Run one mutation by `dagster-graphql`, which needs no web server."""
    command = Path(sys.executable).with_name("dagster-graphql")
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "result.json"
        call = [str(command), *workspace_options(), "-t", mutation]
        call += ["-v", json.dumps(variables), "-o", str(output)]
        done = subprocess.run(call, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode or not output.exists():
            raise click.ClickException(f"dagster-graphql failed:\n{done.stderr.strip()[-2000:]}")
        answer: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))
    return answer
