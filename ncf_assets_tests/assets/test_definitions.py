"""What the code location shows before anything is materialized."""

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from ncf_assets.datasets import load
from ncf_assets.definitions import JOBS
from ncf_assets.orchestration.upstream import reads_of
from ncf_assets.tables import tables
from ncf_assets_tests.paths import DATA, ROOT
from ncf_assets_tests.running import DEFS

WARNINGS = {
    "item_details_file_found",
    "raw_reviews_as_many_as_published",
    "rejected_reviews_few",
}
GRAPH = DEFS.resolve_asset_graph()
KEYS = sorted(GRAPH.materializable_asset_keys)
SOURCE = dg.AssetKey("source_file")  # which is read, and not made
LEADERBOARD = dg.AssetKey("leaderboard")
SERVED = "recommendations"
TUNING = dg.AssetKey("tuning_trials")
APART = {"leaderboard", "tuning_trials"}  # of all datasets; only when asked for


def test_the_code_location_loads_as_dagster_loads_it() -> None:
    """With every job and sensor: a name given twice is found only here."""
    dg.Definitions.validate_loadable(DEFS)


@pytest.mark.process
def test_loading_warns_of_nothing() -> None:
    """No deprecated name, and nothing that Dagster calls beta or preview, reaches the user."""
    load = [sys.executable, "-W", "default", "-c", "import ncf_assets.definitions"]
    run = subprocess.run(load, capture_output=True, text=True, check=True)
    assert "Warning" not in run.stderr


def test_jobs_make_the_lineage_in_parts() -> None:
    """Each asset is in one part, and all of them in `everything`."""
    made = {
        job.name: {key.to_user_string() for key in job.asset_layer.executable_asset_keys}
        for job in (DEFS.resolve_job_def(name) for name in JOBS)
    }
    parts = [made[name] for name in JOBS if name != "everything"]
    assert sum(map(len, parts)) == len(set().union(*parts))
    assert set().union(*parts) == made["everything"]
    assert made["everything"] == {key.to_user_string() for key in KEYS} - APART


def test_no_source_file_is_read_by_automation() -> None:
    """Switched on, it would download 24 datasets; all else but a search follows its upstream."""
    without = {key.to_user_string() for key in KEYS if not GRAPH.get(key).automation_condition}
    assert without == {"raw_reviews", "rejected_reviews", "tuning_trials"}


def test_every_table_is_an_asset() -> None:
    """And there is nothing else but models and the report, which their tags tell apart."""
    made = {key.to_user_string(): GRAPH.get(key).tags["makes"] for key in KEYS}
    assert {name for name, kind in made.items() if kind == "table"} == set(tables())
    assert {kind for kind in made.values() if kind != "table"} == {"model", "report"}


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_every_asset_explains_itself(key: dg.AssetKey) -> None:
    """Description, group, kinds, owner, code version, and at least one blocking check."""
    node = GRAPH.get(key)
    assert node.description
    assert "\n  " not in node.description  # which the UI shows as code
    assert node.group_name in {"ingest", "prepare", "split", "train", "evaluate", "serve"}
    assert node.kinds
    assert node.owners
    assert set(node.tags) >= {"makes"}
    assert node.code_version
    assert node.check_keys
    for check in node.check_keys:
        spec = GRAPH.get_check_spec(check)
        assert spec.description
        assert spec.blocking or check.name in WARNINGS


@pytest.mark.parametrize("key", sorted({*KEYS} - {LEADERBOARD}), ids=str)
def test_every_asset_is_partitioned_by_dataset(key: dg.AssetKey) -> None:
    """One dimension, from the registry; all but the leaderboard."""
    names = GRAPH.get(key).partitions_def.get_partition_keys()
    assert names == list(load(DATA / "datasets.toml"))


def test_the_leaderboard_has_no_partitions() -> None:
    """One file has all datasets."""
    assert GRAPH.get(LEADERBOARD).partitions_def is None


@pytest.mark.parametrize(("job", "asset"), [("refresh_leaderboard", LEADERBOARD), ("tune", TUNING)])
def test_what_no_report_waits_for_has_a_job_of_its_own(job: str, asset: dg.AssetKey) -> None:
    """A run of one dataset neither waits for it nor makes it."""
    assert {*DEFS.resolve_job_def(job).asset_layer.selected_asset_keys} == {asset}


def test_lineage_runs_from_the_file_to_the_report() -> None:
    """All is upstream of the report, but what is only served or read in SQL, and searches."""
    report = dg.AssetKey("evaluation_report")
    assert GRAPH.get_ancestor_asset_keys(dg.AssetKey("latest_reviews")) >= {SOURCE}
    beside = set(KEYS) - GRAPH.get_ancestor_asset_keys(report) - {report, LEADERBOARD, TUNING}
    beside.remove(dg.AssetKey("training_history"))
    assert {GRAPH.get(key).group_name for key in beside} == {"serve"}


def test_direct_edges_alone_are_declared_and_all_that_is_read_is_named() -> None:
    """No edge is implied by others, and what an asset reads is what it is downstream of."""
    for key in {*KEYS} - {LEADERBOARD}:
        parents = GRAPH.get(key).parent_keys - {SOURCE}
        for parent in parents:
            assert not GRAPH.get_ancestor_asset_keys(parent) & parents, key
        read = {dg.AssetKey(name) for name in reads_of(GRAPH.get(key).metadata)}
        assert parents <= read <= GRAPH.get_ancestor_asset_keys(key), key


def test_what_is_served_depends_on_neumf_and_not_on_other_models() -> None:
    """Other settings of EASE leave `recommendations` up to date."""
    above = {k.to_user_string() for k in GRAPH.get_ancestor_asset_keys(dg.AssetKey(SERVED))}
    assert {name for name in above if name.endswith("_model")} == {
        "served_model",
        "neumf_model",
        "ials_model",
    }


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_every_asset_leads_to_its_source_code(key: dg.AssetKey) -> None:
    """A table to its SQL file, what Python makes to the function, each at its line."""
    references = GRAPH.get(key).metadata["dagster/code_references"].code_references
    for one in references:
        line = Path(one.file_path).read_text().splitlines()[one.line_number - 1]
        assert line.startswith(("-- ", "@", "def ")), line
    name = key.to_user_string()
    if name in tables():
        assert Path(references[0].file_path).name == f"{name}.sql"
        assert tables()[name].select or len(references) == 2
    else:
        assert len(references) == 1


def test_the_columns_shown_are_those_of_the_header() -> None:
    """With descriptions and types."""
    metadata = GRAPH.get(dg.AssetKey("interactions")).metadata
    schema = metadata["dagster/column_schema"]
    assert [c.name for c in schema.columns][:3] == ["user", "item", "rank"]
    assert all(column.description for column in schema.columns)


def test_every_setting_has_a_description_and_a_default() -> None:
    """In the launchpad of the job `everything`."""
    job = DEFS.resolve_job_def("everything")
    found = 0
    for op in job.nodes:
        schema = op.definition.config_schema.config_type
        for name, field in getattr(schema, "fields", {}).items():
            assert field.description, f"{op.name}.{name}"
            assert field.default_provided, f"{op.name}.{name}"
            found += 1
    assert found > 25


def test_workspace_and_pyproject_name_the_same_module() -> None:
    """So that `dagster`, `dg` and the UI load the same code location."""
    root = ROOT
    for file in ("workspace.yaml", "pyproject.toml"):
        assert "ncf_assets.definitions" in Path(root / file).read_text()
