"""`ncf-assets prune-runs` on the history of real runs."""

from pathlib import Path

import dagster as dg
import pytest

from ncf_assets_tests.cli.commands import ncf, tiny_folder
from ncf_assets_tests.running import failed_partitions

pytestmark = pytest.mark.process


def runs(home: Path) -> set[str]:
    """The runs that Dagster lists."""
    with dg.DagsterInstance.from_config(str(home)) as instance:
        return {run.run_id for run in instance.get_runs()}


def files(home: Path) -> set[str]:
    """The runs of which there are files: events and logs."""
    events = {path.stem for path in (home / "history" / "runs").glob("*-*.db")}
    return events | {path.name for path in (home / "storage").glob("*-*")}


def test_old_runs_go_and_those_that_made_what_is_there_stay(tmp_path: Path) -> None:
    """Three runs: the first is replaced by the second, the third fails; the second alone stays.

    Dagster then still knows when and by which run the tables were made, and shows none as failed.
    """
    data, home = tiny_folder(tmp_path), tmp_path / "dagster"
    assert ncf(data, "leaderboard").returncode == 0  # which is of no dataset
    [leaderboard] = runs(home)
    for _ in range(2):
        assert ncf(data, "materialize", "Sample", "--select", "raw_reviews").returncode == 0
    with dg.DagsterInstance.from_config(str(home)) as instance:
        second = instance.get_runs(limit=1)[0].run_id
    (data / "tiny.json").write_text("no review")
    assert ncf(data, "materialize", "Sample", "--select", "raw_reviews").returncode == 1
    assert len(runs(home)) == 4
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert failed_partitions(instance)["raw_reviews"] == ["Sample"]

    done = ncf(data, "prune-runs")
    assert done.stdout == "0 of 0 runs that ended over 30 days ago are removed.\n", done.stderr
    assert len(runs(home)) == len(files(home)) == 4

    done = ncf(data, "prune-runs", "--older-than", "0")
    assert done.stdout == "2 of 4 runs that ended over 0 days ago are removed.\n"
    assert runs(home) == files(home) == {leaderboard, second}
    with dg.DagsterInstance.from_config(str(home)) as instance:
        record = instance.get_latest_materialization_event(dg.AssetKey("raw_reviews"))
        assert record is not None
        assert record.run_id == second
        assert failed_partitions(instance) == {}
    assert ncf(data, "sql", "select count(*) from raw_reviews").stdout.count("51") == 1


def test_dagster_sends_nothing_and_prunes_its_ticks(tmp_path: Path) -> None:
    """The settings that a new DAGSTER_HOME gets: no telemetry; ticks stay 30 and 7 days."""
    assert ncf(tmp_path, "dagster-home").returncode == 0
    with dg.DagsterInstance.from_config(str(tmp_path / "dagster")) as instance:
        assert instance.telemetry_enabled is False
        assert instance.nux_enabled is False
        assert instance.get_settings("retention") == {
            "schedule": {"purge_after_days": 30},
            "sensor": {"purge_after_days": 7},
        }


def test_a_number_of_models_that_is_none_is_told_before_anything_runs(tmp_path: Path) -> None:
    """As a usage error, without a traceback."""
    done = ncf(tmp_path, "status", NCF_MODEL_VERSIONS="none")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: NCF_MODEL_VERSIONS must be a whole number from 1")
