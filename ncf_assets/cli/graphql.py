"""Backfills of assets, through GraphQL: Dagster has no command and no Python API for them."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click
import dagster as dg
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget

from ncf_assets.cli.recorded_run import DEFINITIONS, LOCATION

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
    execute(_CANCEL, {"id": backfill_id})


def _mutate(mutation: str, params: Mapping[str, Any]) -> str:
    """Record a backfill; its id. Raises ClickException where Dagster refuses."""
    answer = execute(mutation, {"params": params})
    result = (answer.get("data") or {}).get("result") or {}
    if result.get("__typename") != "LaunchBackfillSuccess":
        reason = result.get("message") or json.dumps(answer.get("errors") or result)[:2000]
        raise click.ClickException(f"Dagster refused the backfill: {reason}")
    return str(result["backfillId"])


def execute(document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    """Run a query or mutation in this process, which needs no web server and no code server."""
    from dagster_graphql.cli import execute_query  # takes a second, which `--follow` does not need

    module = LoadableTargetOrigin(executable_path=sys.executable, module_name=DEFINITIONS)
    code = InProcessWorkspaceLoadTarget(InProcessCodeLocationOrigin(module, location_name=LOCATION))
    with dg.DagsterInstance.get() as instance, WorkspaceProcessContext(instance, code) as context:
        answer: dict[str, Any] = execute_query(context, document, variables)
    return answer
