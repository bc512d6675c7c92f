"""Runs of commands as Dagster and its UI know them."""

from pathlib import Path

import dagster as dg
import pytest

from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.cli.commands import graphql, held_up, ncf, tiny_folder

pytestmark = [pytest.mark.process, pytest.mark.timeout(900)]
TERMINATE = (
    'mutation {{ result: terminateRun(runId: "{run}", terminatePolicy: {policy})'
    " {{ __typename }} }}"
)


def newest(data: Path) -> dg.DagsterRun:
    """The run that was recorded last."""
    with dg.DagsterInstance.from_config(str(data / "dagster")) as instance:
        return instance.get_runs(limit=1)[0]


@pytest.mark.parametrize(
    ("policy", "processes"),
    [("SAFE_TERMINATE", 1), ("MARK_AS_CANCELED_IMMEDIATELY", 1), ("SAFE_TERMINATE", 2)],
)
def test_a_run_that_is_terminated_in_the_ui_ends_and_publishes_nothing_more(
    tmp_path: Path, policy: str, processes: int
) -> None:
    """Its process too, whether its end is awaited or forced, and those of its steps."""
    data = tiny_folder(tmp_path)
    words = ["materialize", "Sample", "--select", "+users", "--processes", str(processes)]
    with held_up(data, "ncf-assets", *words) as process:
        answer = graphql(data, TERMINATE.format(run=newest(data).run_id, policy=policy))["result"]
        out, errors = process.communicate(timeout=60)
    assert answer == {"__typename": "TerminateRunSuccess"}
    assert process.returncode == 1, out
    assert "the run was terminated in Dagster" in errors
    assert "Traceback" not in errors
    assert newest(data).status == dg.DagsterRunStatus.CANCELED
    assert Warehouse(data).find_provenance("latest_reviews", "Sample") is None


def test_a_run_is_recorded_as_the_ui_launches_them(made: Path, tmp_path: Path) -> None:
    """Under its job; or, of selected assets, under these, with the settings of no others."""
    whole = newest(made)
    assert (whole.job_name, whole.asset_selection) == ("everything", None)
    data = tiny_folder(tmp_path)
    config = str(data / "run.yaml")
    words = ["materialize", "Sample", "--select", "raw_reviews", "--config", config]
    assert ncf(data, *words).returncode == 0
    part = newest(data)
    assert part.asset_selection == {dg.AssetKey("raw_reviews"), dg.AssetKey("rejected_reviews")}
    assert part.run_config == {"ops": {}}
    for run in (whole, part):
        assert run.remote_job_origin.repository_origin.get_label() == "__repository__@ncf_assets"
        shown = {name for name in run.tags if not name.startswith(".dagster/")}
        assert shown == {"dagster/partition", "dagster/code_location"}
    # the UI warns where the version of the job that ran is not the one that it has loaded
    jobs = graphql(made, JOBS)["result"]["jobs"]
    loaded = {job["name"]: job["pipelineSnapshotId"] for job in jobs}
    assert whole.job_snapshot_id == loaded["everything"]


JOBS = (
    'query { result: repositoryOrError(repositorySelector: {repositoryName: "__repository__",'
    ' repositoryLocationName: "ncf_assets"})'
    " { ... on Repository { jobs { name pipelineSnapshotId } } } }"
)
