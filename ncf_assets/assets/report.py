"""Report: one page of what was found, how, and from what, for people.

Here its data are gathered and its files published; `ncf_assets.report` writes the text.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import pandas as pd
import pyarrow as pa

from ncf_assets.datasets import load
from ncf_assets.hashing import hash_json
from ncf_assets.ncf.models import EVALUATED_MODEL
from ncf_assets.ncf.training.epochs import recorded_epochs
from ncf_assets.orchestration import scorers
from ncf_assets.orchestration.code_version import code_version
from ncf_assets.orchestration.metadata import code_references, inline_plot, table_metadata
from ncf_assets.orchestration.metrics_table import metrics_table
from ncf_assets.orchestration.mlflow_tracking import tracked
from ncf_assets.orchestration.partitions import (
    OWNERS,
    WHEN_UPSTREAM_IS_NEW,
    AssetFactory,
    Partitions,
    check_spec,
)
from ncf_assets.orchestration.publish import AssetRun, asset_run
from ncf_assets.orchestration.staleness import OUTSIDE
from ncf_assets.orchestration.tables import sql_table
from ncf_assets.orchestration.upstream import reads_metadata
from ncf_assets.warehouse.changes import changes, describe_lists
from ncf_assets.warehouse.lineage import find_inconsistencies, upstream_provenance
from ncf_assets.warehouse.provenance import Provenance
from ncf_assets.warehouse.warehouse import REPORT, Warehouse

if TYPE_CHECKING:  # the report draws with matplotlib, which must not load with the code location
    from ncf_assets import report

MODELS = tuple(name for name in scorers.SCORED_ASSETS if name.endswith("_model"))
EXAMPLE_INPUTS = ("example_lists", "interactions", "item_details", "items", "test", "users")
REPORT_INPUTS = (
    "comparisons",
    "data_profile",
    "diversity",
    "filters",
    "metrics",
    "outside_diversity",
    "seed_metrics",
    *EXAMPLE_INPUTS,
    *MODELS,
)

CHECK = (
    "evaluation_report_from_one_lineage",
    "Each table and model behind the report was made from those that are in place."
    " If not: materialize the named assets again.",
)

EXAMPLE_HISTORIES = """
    select
      users.user_id,
      items.item_id,
      coalesce(item_details.title, '') as title,
      cast(cast(had.timestamp as date) as varchar) as day,
      test.item is not null as held_out
    from (select distinct example_lists.user from example_lists) as drawn
    inner join users on users.user = drawn.user
    inner join interactions as had on had.user = drawn.user
    inner join items on items.item = had.item
    left join test on test.user = had.user and test.item = had.item
    left join item_details on item_details.item_id = items.item_id
    order by users.user, had.recency desc
"""
EXAMPLE_LISTS = """
    select
      users.user_id,
      listed.model,
      items.item_id,
      coalesce(item_details.title, '') as title
    from example_lists as listed
    inner join users on users.user = listed.user
    inner join items on items.item = listed.item
    left join item_details on item_details.item_id = items.item_id
    order by users.user, listed.model, listed.position
"""

data_profile = sql_table("data_profile", "evaluate")


def _build(partitions: Partitions, deps: Collection[str]) -> dg.AssetsDefinition:
    @dg.asset(
        deps=deps,
        metadata=reads_metadata(REPORT_INPUTS) | code_references(None, _make_report),
        group_name="evaluate",
        kinds={"html", "markdown"},
        owners=OWNERS,
        tags={"makes": "report"},
        automation_condition=WHEN_UPSTREAM_IS_NEW,
        partitions_def=partitions,
        code_version=code_version(_make_report),
        check_specs=[check_spec("evaluation_report", *CHECK, partitions)],
    )
    def evaluation_report(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[Any]:
        """Say what was found, how, and from what: one HTML file, Markdown, and JSON."""
        with asset_run(
            context,
            warehouse,
            REPORT_INPUTS,
            {},
            context.partition_key,
            assets=("evaluation_report",),
            one_lineage=False,  # the check says what does not fit, in the UI as well
        ) as run:
            yield from _make_report(run)

    return evaluation_report


evaluation_report = AssetFactory(("evaluation_report",), REPORT_INPUTS, _build)


def _make_report(run: AssetRun) -> Iterator[Any]:
    """Check the lineage, render and publish."""
    from ncf_assets import report

    broken = find_inconsistencies(run.warehouse, REPORT_INPUTS, run.dataset)
    yield dg.AssetCheckResult(passed=not broken, metadata={"broken links": broken})
    if broken:
        raise dg.Failure(
            f"the report of dataset {run.dataset} was not published: " + "; ".join(broken),
            allow_retries=False,
        )
    data = collect_report_data(run, upstream_provenance(run.warehouse, REPORT_INPUTS, run.dataset))
    rendered = report.render(data)
    figures = headline(run.inputs.read("metrics"))
    with tracked(run, "evaluation_report") as tracker:
        run.check_publishable()
        content_hash = hash_json(rendered.json)
        _publish(run, rendered, content_hash)
        tracker.log_metrics({k: v for k, v in figures.items() if isinstance(v, float)})
        tracker.log_artifacts(*_published_files(run))
    plots = {plot.title: inline_plot(plot.title, plot.png()) for plot in rendered.plots}
    figures |= _changes(run)
    yield _materialized(run, rendered, content_hash, figures, plots)


def _publish(run: AssetRun, rendered: "report.Report", content_hash: str) -> None:
    """Put page and Markdown in place, then the JSON that names them."""
    asset, warehouse = REPORT, run.warehouse
    texts = {"report.html": rendered.html, "report.md": rendered.markdown}
    provenance = Provenance(content_hash=content_hash, rows=0, **run.provenance(asset))
    record = {**rendered.json, "provenance": provenance.to_json()}
    warehouse.publish_texts(asset, run.dataset, texts, record, run.seen[asset])
    run.refresh_catalogue()  # its lineage shows reports as well


def _published_files(run: AssetRun) -> list[Path]:
    """Return page, Markdown and record."""
    place, dataset = run.warehouse, run.dataset
    named = place.record(REPORT, dataset)["files"]
    return [place.beside(REPORT, dataset, name) for name in (*named, "report.json")]


def _materialized(
    run: AssetRun,
    rendered: "report.Report",
    content_hash: str,
    figures: Mapping[str, Any],
    plots: Mapping[str, Any],
) -> dg.MaterializeResult[Any]:
    """Return what the Dagster UI shows of a published report, with plots and figures."""
    page = run.warehouse.published.name(run.warehouse.page(run.dataset))
    return dg.MaterializeResult(
        data_version=dg.DataVersion(content_hash),
        metadata={
            "content hash": content_hash,
            "found": rendered.json["findings"][0],
            "page": dg.MetadataValue.path(page),
            **figures,
            "report": dg.MetadataValue.md(rendered.markdown),
            **plots,
            **run.usage.as_metadata(),
        },
    )


def _changes(run: AssetRun) -> dict[str, Any]:
    """Return what differs from the versions before in the tables that this run has made."""
    found = changes(run.warehouse, run.dataset)
    made = {
        change.table: change
        for change in found.tables
        if change.made_before and _made_by(run, change.table)
    }
    shown: dict[str, Any] = {}
    if differing := [asdict(change) for change in made.values() if not change.is_same]:
        shown["tables that changed"] = table_metadata(pd.DataFrame(differing))
    if "metrics" in made:
        shown["metrics before"] = table_metadata(pd.DataFrame(map(asdict, found.metrics)))
    if "recommendations" in made and found.lists:
        shown["recommendations that changed"] = describe_lists(found.lists)
    return shown


def _made_by(run: AssetRun, table: str) -> bool:
    provenance = run.warehouse.get_provenance(table, run.dataset)
    return bool(provenance.run_id == run.context.run.run_id)


def collect_report_data(
    run: AssetRun, provenances: Mapping[str, Provenance]
) -> "report.ReportData":
    """Gather what the report says from tables, models' records and provenance."""
    from ncf_assets import report
    from ncf_assets.ncf.evaluation.summary import Comparison, Metric, SeedMetric

    dataset = load(run.warehouse.paths.registry)[run.dataset]
    records = {name: run.inputs.record(name) for name in MODELS}
    return report.ReportData(
        dataset=dataset.name,
        title=dataset.title,
        synthetic=dataset.synthetic,
        metrics=[Metric(**row) for row in _rows(run, "metrics")],
        comparisons=[
            Comparison(**{name: value for name, value in row.items() if name != "verdict"})
            for row in _rows(run, "comparisons")
        ],
        seed_metrics=[SeedMetric(**row) for row in _rows(run, "seed_metrics")],
        diversity=[
            report.DiversityRow(**row)
            for table in ("diversity", "outside_diversity")
            for row in _rows(run, table)
        ],
        history=[report.HistoryRow(**epoch) for epoch in recorded_epochs(records)],
        profile=_rows(run, "data_profile")[0],
        filters=[report.FilterRow(**row) for row in _rows(run, "filters")],
        configuration={
            name: p.config
            for name, p in provenances.items()
            if p.config and "outside" not in p.config
        },
        versions={k: v for of in records.values() for k, v in of["versions"].items()},
        origins={
            name: report.Origin(p.content_hash, p.code_version) for name, p in provenances.items()
        },
        source_sha256=provenances["raw_reviews"].input_hashes["source"],
        outside={
            model: report.Outside(**origin)
            for model, origin in provenances[OUTSIDE].config.get("outside", {}).items()
        },
        choices=[_choice(name, of) for name, of in records.items() if of.get("search_space")],
        examples=_examples(run),
        made=_made(run),
    )


def _choice(name: str, record: Mapping[str, Any]) -> "report.Choice":
    """Return what a model's record says of the search for its settings."""
    from ncf_assets import report

    known = record.get("settings") or {
        "epochs": record["chosen_epoch"],
        **record["chosen_settings"],
    }
    space = record["search_space"]
    return report.Choice(
        model=name.removesuffix("_model"),
        chosen={setting: known[setting] for setting in space},
        space=space,
        n_tried=record["settings_tried"],
        at_edge=record["at_edge"],
    )


def _examples(run: AssetRun) -> "list[report.Example]":
    """Return the users whose lists are kept, with what they had, in the order of their numbers."""
    from ncf_assets import report

    def items(rows: pd.DataFrame) -> list[report.ExampleItem]:
        return [
            report.ExampleItem(row["item_id"], row["title"] or None, row.get("day", ""))
            for row in rows.to_dict("records")
        ]

    histories, lists = (
        pa.Table.from_batches(list(run.inputs.query(select, {}))).to_pandas()
        for select in (EXAMPLE_HISTORIES, EXAMPLE_LISTS)
    )
    shown = {user: of_one.groupby("model") for user, of_one in lists.groupby("user_id")}
    return [
        report.Example(
            str(user),
            items(had),
            had["item_id"][had["held_out"]].tolist(),
            {str(model): items(rows) for model, rows in shown[user]},
        )
        for user, had in histories.groupby("user_id", sort=False)
    ]


def _made(run: AssetRun) -> "report.Made":
    """Return when, by which run and by which version the report is made."""
    from ncf_assets import report

    dagster_run, now = run.context.run, datetime.now(UTC)
    stats = run.context.instance.get_run_stats(dagster_run.run_id)
    started = getattr(stats, "start_time", None) or now.timestamp()
    version = metadata.version("ncf-assets")
    return report.Made(now, dagster_run.run_id, now.timestamp() - started, version)


def headline(metrics: pd.DataFrame) -> dict[str, Any]:
    """Return NeuMF's figures, which Dagster charts over time, and the table of all models."""
    models = metrics_table(metrics.query("segment == 'all'"))
    own = models[models["model"] == EVALUATED_MODEL].drop(columns="model")
    charted = {str(name): round(float(values.iloc[0]), 4) for name, values in own.items()}
    return {**charted, "models": table_metadata(models)}


def _rows(run: AssetRun, table: str) -> list[dict[str, Any]]:
    """Return a table's rows as dictionaries, with None where Parquet has null."""
    frame = run.inputs.read(table)
    return [
        {str(k): None if pd.isna(v) else v for k, v in row.items()}
        for row in frame.to_dict("records")
    ]
