"""What the pages of assets show in Dagster's UI, of the tiny data set."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from ncf_assets.cli.arguments import asset_names

pytestmark = [pytest.mark.process, pytest.mark.timeout(900)]
Metadata = dict[str, Any]


@pytest.fixture(scope="module")
def pages(made: Path) -> dict[str, Metadata]:
    """The metadata of the last materialization of each asset."""
    found = {}
    with dg.DagsterInstance.from_config(str(made / "dagster")) as instance:
        for name in asset_names():
            event = instance.get_latest_materialization_event(dg.AssetKey(name))
            assert event is not None
            assert event.asset_materialization is not None
            found[name] = dict(event.asset_materialization.metadata)
    return found


def rows(table: Any) -> list[dict[str, Any]]:
    """The rows of a table in metadata."""
    return [dict(record.data) for record in table.records]


def test_keys_have_one_style_and_tables_have_rows(pages: dict[str, Metadata]) -> None:
    """Words with spaces; what is empty is left out."""
    for page in pages.values():
        own = [name for name in page if not name.startswith("dagster/")]
        assert not [name for name in own if "_" in name]
        tables = [value for value in page.values() if isinstance(value, dg.TableMetadataValue)]
        assert all(table.records for table in tables)
    assert "preview" not in pages["filters"]  # none is set


@pytest.mark.parametrize("model", ["gmf_model", "mlp_model", "neumf_model", "served_model"])
def test_a_network_shows_settings_curve_and_chosen_epoch(
    pages: dict[str, Metadata], model: str
) -> None:
    """And how its curve is seen in TensorBoard."""
    page = pages[model]
    chosen = page["chosen epoch"].value
    curve = rows(page["epochs"])
    assert [row["epoch"] for row in curve if row["chosen"]] == [str(chosen)]
    assert all(row["validation NDCG@10"] for row in curve)
    assert all(row["loss"] for row in curve[1:])
    settings = {row["setting"]: row for row in rows(page["settings"])}
    assert settings["epochs"]["value"] == str(chosen)
    if model == "mlp_model":
        assert settings["layers"]["value"] == "[4, 2]"
        assert settings["epochs"]["chosen among"] == "0, 1, 2"
    assert page["TensorBoard"].value.startswith("tensorboard --logdir /")
    figure = page["validation NDCG@10"].value
    assert figure == round(figure, 4)


def test_a_baseline_shows_what_it_chose_and_warns_at_the_edge(pages: dict[str, Metadata]) -> None:
    """Of which values; EASE has two lists of them."""
    page = pages["ease_model"]
    settings = {row["setting"]: row for row in rows(page["settings"])}
    at_edge = page["at the edge"].value
    for name in ("regularization", "half_life"):
        values = settings[name]["chosen among"].split(", ")
        assert float(settings[name]["value"]) in [float(value) for value in values]
    if at_edge != "none":
        assert at_edge.endswith("a better value may lie beyond")


def test_the_report_shows_its_page_and_all_models_by_the_headline(
    pages: dict[str, Metadata],
) -> None:
    """A row for each model and a column for each figure, the best first."""
    page = pages["evaluation_report"]
    assert Path(page["page"].value).name == "report.html"
    assert Path(page["page"].value).exists()
    table = rows(page["models"])
    assert len(table) == 13
    assert set(table[0]) == {
        "model", "HR@2 full", "HR@2 sampled-3", "NDCG@2 full", "NDCG@2 sampled-3",
    }  # fmt: skip
    ranked = [float(row["NDCG@2 full"]) for row in table]
    assert ranked == sorted(ranked, reverse=True)
    assert rows(pages["metrics"]["preview"]) == table
