"""The leaderboard over a folder in which some datasets have a report, and others have not."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ncf_assets.warehouse.paths import ALL_DATASETS
from ncf_assets.warehouse.provenance import Provenance
from ncf_assets.warehouse.warehouse import Warehouse
from ncf_assets_tests.running import ASSETS, DEFS

pytestmark = pytest.mark.process
REGISTRY = "".join(
    f'[{name}]\nformat = "amazon-2014"\npath = "{name}.json"\n'
    for name in ("Books", "Games", "Toys")
)


def metric(model: str, value: float, segment: str = "all") -> dict[str, Any]:
    """One row of metrics."""
    return {
        "model": model,
        "protocol": "full",
        "segment": segment,
        "metric": "ndcg",
        "k": 10,
        "value": value,
        "ci_low": value - 0.1,
        "ci_high": value + 0.1,
        "n_users": 12,
        "n_seeds": 3,
        "seed_deviation": 0.01,
    }


def comparison(verdict: str) -> dict[str, Any]:
    """One row of comparisons, with such a verdict."""
    return {
        "model": "neumf",
        "baseline": "ials",
        "protocol": "full",
        "metric": "ndcg",
        "k": 10,
        "difference": 0.1,
        "ci_low": 0.05,
        "ci_high": 0.15,
        "detectable": 0.07,
        "margin": 0.01,
        "n_users": 12,
        "seed_share": 0.0,
        "verdict": verdict,
    }


def publish(warehouse: Warehouse, dataset: str, value: float, verdict: str = "better") -> str:
    """Metrics of two models, their comparison, and a report; the report's content hash."""
    rows = {
        "metrics": [
            metric("ials", value - 0.1),
            metric("neumf", value),
            metric("neumf", 0.9, "cold"),
        ],
        "comparisons": [comparison(verdict)],
    }
    made = {}
    for table, of_table in rows.items():
        with warehouse.stage_table(table, dataset) as draft:
            frame = pd.DataFrame(of_table)
            draft.write(pa.Table.from_pandas(frame, preserve_index=False).to_batches())
            sealed = draft.seal(code_version="c", input_hashes={}, config={}, run_id="r")
            made[table] = sealed.content_hash
            draft.publish()
    report = Provenance(f"report-{value}", 0, "c", {"metrics": made["metrics"]}, {}, "r")
    warehouse.publish_texts("evaluation_report", dataset, {}, {"provenance": report.to_json()})
    return report.content_hash


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """Three datasets, of which Books and Toys have a report."""
    made = Warehouse(tmp_path)
    (tmp_path / "datasets.toml").write_text(REGISTRY)
    publish(made, "Books", 0.3)
    publish(made, "Toys", 0.2)
    return made


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """A Dagster instance in memory, in which no partition was ever materialized."""
    with dg.instance_for_test() as found:
        yield found


def materialize(warehouse: Warehouse, instance: dg.DagsterInstance) -> dict[str, Any]:
    """Run the asset alone, without a partition; its metadata."""
    result = dg.materialize(
        ASSETS, instance=instance, resources={"warehouse": warehouse}, selection=["leaderboard"]
    )
    (event,) = result.get_asset_materialization_events()
    return {name: entry.value for name, entry in event.materialization.metadata.items()}


def test_it_takes_what_is_there_and_names_what_is_missing(
    warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    """Games has no report; figures of a part of the users stay in metrics."""
    metadata = materialize(warehouse, instance)
    assert (metadata["current"], metadata["missing"]) == ("Books, Toys", "Games")
    rows = warehouse.read("leaderboard", ALL_DATASETS)
    assert [(r.dataset, r.model, round(r.value, 3)) for r in rows.itertuples()] == [
        ("Books", "ials", 0.2),
        ("Books", "neumf", 0.3),
        ("Toys", "ials", 0.1),
        ("Toys", "neumf", 0.2),
    ]
    assert set(rows["state"]) == {"current"}


def test_each_row_has_the_verdict_on_neumf_against_its_model(
    warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    """NeuMF itself has none."""
    publish(warehouse, "Toys", 0.2, "worse")
    materialize(warehouse, instance)
    rows = warehouse.read("leaderboard", ALL_DATASETS).set_index(["dataset", "model"])
    assert rows["verdict"].dropna().to_dict() == {
        ("Books", "ials"): "better",
        ("Toys", "ials"): "worse",
    }
    assert rows.loc[("Books", "ials"), "difference"] == pytest.approx(0.1)


def test_a_view_and_the_ui_compare_the_models_over_all_datasets(
    warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    """NeuMF is first on both; it is better than iALS on Books, and undecided on Toys."""
    publish(warehouse, "Toys", 0.2, "undecided")
    metadata = materialize(warehouse, instance)
    columns = "model, datasets, mean_rank, ranks, neumf_better, neumf_undecided, neumf_worse"
    with duckdb.connect(str(warehouse.paths.database), read_only=True) as connection:
        found = connection.execute(f"select {columns} from leaderboard_summary").fetchall()
    assert found == [("neumf", 2, 1.0, "1 1", 0, 0, 0), ("ials", 2, 2.0, "2 2", 1, 1, 0)]
    shown = [record.data["model"] for record in metadata["models over all datasets"].records]
    assert shown == ["neumf", "ials"]
    assert "data:image/png" in metadata["ranks"]


def test_each_row_says_which_report_shows_it(
    warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    """A path below the data folder, and the content hash in report.json."""
    materialize(warehouse, instance)
    row = warehouse.read("leaderboard", ALL_DATASETS).iloc[0]
    assert row["report"] == "reports/dataset=Books/report.html"
    assert row["report_content"] == "report-0.3"


def test_a_report_on_other_metrics_is_out_of_date_and_says_why(
    warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    """Metrics of Books are made anew, its report is not."""
    old = warehouse.paths.file("evaluation_report", "Books").read_text()
    publish(warehouse, "Books", 0.4)
    warehouse.paths.file("evaluation_report", "Books").write_text(old)
    metadata = materialize(warehouse, instance)
    assert (metadata["current"], metadata["out of date"]) == ("Toys", "Books")
    assert "evaluation_report was made from metrics" in metadata["Books is out of date"]
    partition_statuses = (
        warehouse.read("leaderboard", ALL_DATASETS).groupby("dataset")["state"].first()
    )
    assert partition_statuses.to_dict() == {"Books": "out of date", "Toys": "current"}


def test_a_damaged_report_does_not_hold_up_the_others(
    warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    """It counts as missing, and the message names the file and the remedy."""
    warehouse.paths.file("evaluation_report", "Books").write_text("{")
    metadata = materialize(warehouse, instance)
    assert metadata["missing"] == "Books, Games"
    assert "materialize evaluation_report again" in metadata["Books is missing"]
    assert set(warehouse.read("leaderboard", ALL_DATASETS)["dataset"]) == {"Toys"}


def test_metrics_of_another_version_do_not_hold_up_the_others(
    warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    """Nothing is made from their columns; the reason names the remedy."""
    file = warehouse.paths.file("metrics", "Books")
    kept = {b"ncf_assets": pq.read_metadata(file).metadata[b"ncf_assets"]}
    old = pq.read_table(file).rename_columns({"model": "network"})
    pq.write_table(old.replace_schema_metadata(kept), file)
    metadata = materialize(warehouse, instance)
    assert metadata["missing"] == "Books, Games"
    assert "metrics has other columns than this version's" in metadata["Books is missing"]
    assert set(warehouse.read("leaderboard", ALL_DATASETS)["dataset"]) == {"Toys"}


def test_figures_and_reports_of_two_runs_are_not_mixed(
    warehouse: Warehouse, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another run publishes Books between the look at its report and that at its metrics."""
    rows = Warehouse.query

    def meanwhile(self: Warehouse, *args: Any) -> Any:
        publish(warehouse, "Books", 0.7)
        return rows(self, *args)

    monkeypatch.setattr(Warehouse, "query", meanwhile)
    with pytest.raises(dg.Failure, match="a dataset changed while its figures were being read"):
        materialize(warehouse, instance)
    assert warehouse.find_provenance("leaderboard", ALL_DATASETS) is None


def test_without_any_report_it_is_empty(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    """Nothing is materialized yet: no error, no rows."""
    (tmp_path / "datasets.toml").write_text(REGISTRY)
    assert materialize(Warehouse(tmp_path), instance)["missing"] == "Books, Games, Toys"
    assert Warehouse(tmp_path).read("leaderboard", ALL_DATASETS).empty


def test_the_catalogue_and_an_export_have_it(
    warehouse: Warehouse, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """Beside tables that are partitioned, with the dataset as a column of its own."""
    materialize(warehouse, instance)
    warehouse.export(tmp_path / "handout.duckdb")
    for file in (warehouse.paths.database, tmp_path / "handout.duckdb"):
        with duckdb.connect(str(file), read_only=True) as connection:
            query = "select dataset, count(*) from leaderboard group by all order by all"
            assert connection.execute(query).fetchall() == [("Books", 2), ("Toys", 2)]
            assert connection.execute("select count(*) from metrics").fetchall() == [(6,)]


def test_its_stamp_names_the_reports(warehouse: Warehouse, instance: dg.DagsterInstance) -> None:
    """So that a reader of the file knows what it was made from."""
    materialize(warehouse, instance)
    provenance = warehouse.get_provenance("leaderboard", ALL_DATASETS)
    assert provenance.input_hashes == {
        "report of Books": "report-0.3",
        "report of Toys": "report-0.2",
    }
    assert json.dumps(provenance.to_json())


def requested(instance: dg.DagsterInstance, cursor: Any = None) -> Any:
    """What its automation asks for."""
    return dg.evaluate_automation_conditions(
        DEFS, instance, asset_selection=dg.AssetSelection.assets("leaderboard"), cursor=cursor
    )


def test_one_new_report_is_enough_to_refresh_it(instance: dg.DagsterInstance) -> None:
    """Where its automation is turned on; it does not wait for the other datasets."""
    first = requested(instance)
    assert first.total_requested == 0
    instance.report_runless_asset_event(
        dg.AssetMaterialization("evaluation_report", partition="Sample")
    )
    second = requested(instance, first.cursor)
    assert second.total_requested == 1
    assert requested(instance, second.cursor).total_requested == 0
