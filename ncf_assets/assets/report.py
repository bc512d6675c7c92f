"""The evaluation report: what the figures, the trainings and the tables' stamps say, for readers.

What it looks like is `ncf_assets.ncf.report`.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
import pandas as pd

from ncf_assets.assets import scorers
from ncf_assets.assets.code import code_version
from ncf_assets.assets.failing import told
from ncf_assets.assets.inputs import Inputs
from ncf_assets.assets.partition import DATASETS, Run, check_spec
from ncf_assets.assets.shown import inline_plot, table_metadata
from ncf_assets.assets.table_asset import sql_asset
from ncf_assets.assets.table_spec import OWNERS, WHEN_UPSTREAM_IS_NEW
from ncf_assets.assets.tracking import tracked
from ncf_assets.datasets import load
from ncf_assets.warehouse import Stamp, Warehouse
from ncf_assets.warehouse.lineage import broken_links, origins

if TYPE_CHECKING:  # the report draws with matplotlib, which must not load with the code location
    from ncf_assets.ncf import report

MODELS = tuple(name for name in scorers.READS if name.endswith("_model"))
READS = ("comparisons", "data_profile", "diversity", "metrics", "training_history", *MODELS)

data_profile = sql_asset("data_profile", "evaluate")


@dg.asset(
    deps=READS,
    group_name="evaluate",
    kinds={"html", "markdown"},
    owners=OWNERS,
    tags={"makes": "report"},
    automation_condition=WHEN_UPSTREAM_IS_NEW,
    partitions_def=DATASETS,
    code_version=code_version(__name__, "ncf_assets.ncf.report"),
    check_specs=[
        check_spec(
            "evaluation_report",
            "evaluation_report_from_one_lineage",
            "Each table and model behind the report was made from those that are in place."
            " If not: materialize the named assets again.",
        )
    ],
)
def evaluation_report(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
) -> Iterator[Any]:
    """What was found, how, and from what: one self-contained HTML file, Markdown, and JSON."""
    from ncf_assets.ncf import report

    with told(context, warehouse, ("evaluation_report",)):
        run = Run(context, warehouse, Inputs(warehouse, context.partition_key, READS), {})
        broken = broken_links(warehouse, READS, run.dataset)
        yield dg.AssetCheckResult(passed=not broken, metadata={"broken links": broken})
        if broken:
            raise dg.Failure(
                f"the report of dataset {run.dataset} was not published: " + "; ".join(broken),
                allow_retries=False,
            )
        facts = facts_of(run, origins(warehouse, READS, run.dataset))
        rendered = report.render(facts)
        figures = headline(run.inputs.read("metrics"))
        with tracked(run, "evaluation_report") as tracking:
            run.inputs.check_unchanged()
            page = _publish(run, rendered)
            tracking.figures({k: v for k, v in figures.items() if isinstance(v, float)})
            tracking.files(page, page.with_suffix(".md"), page.with_suffix(".json"))
        plots = report.plots(facts)
        shown = {plot.title: inline_plot(plot.title, plot.png()) for plot in plots}
        yield _materialized(run, page, rendered, shown | figures)


def _publish(run: Run, rendered: "report.Report") -> Path:
    """Put page and Markdown in place, then the JSON, which names them; the page's path."""
    asset, warehouse = "evaluation_report", run.warehouse
    texts = {"report.html": rendered.html, "report.md": rendered.markdown}
    content = hashlib.sha256(json.dumps(rendered.json, sort_keys=True).encode()).hexdigest()[:16]
    stamp = Stamp(content=content, rows=0, **run.origin(asset))
    record = {**rendered.json, "files": list(texts), "stamp": stamp.to_json()}
    warehouse.publish_texts(asset, run.dataset, texts, record)
    warehouse.refresh_catalogue()  # its lineage shows reports as well
    return warehouse.folder(asset, run.dataset) / "report.html"


def _materialized(
    run: Run, page: Path, rendered: "report.Report", shown: Mapping[str, Any]
) -> dg.MaterializeResult[Any]:
    """What the Dagster UI shows of a published report, plots and figures among it."""
    return dg.MaterializeResult(
        metadata={
            "found": rendered.json["findings"][0],
            "dagster/uri": dg.MetadataValue.path(str(page)),
            "report": dg.MetadataValue.md(rendered.markdown),
            **shown,
            **run.effort.so_far(),
        }
    )


def facts_of(run: Run, stamps: Mapping[str, Stamp]) -> "report.Facts":
    """What the report says, gathered from tables, models' records and stamps."""
    from ncf_assets.ncf import report
    from ncf_assets.ncf.evaluation import Comparison, Metric

    dataset = load(run.warehouse.registry)[run.dataset]
    records = {name: run.inputs.record(name) for name in MODELS}
    skipped = {name: record.get("skipped") for name, record in records.items()}
    return report.Facts(
        dataset=dataset.name,
        title=dataset.title,
        synthetic=dataset.synthetic,
        metrics=[Metric(**row) for row in _rows(run, "metrics")],
        comparisons=[Comparison(**row) for row in _rows(run, "comparisons")],
        diversity=[report.DiversityRow(**row) for row in _rows(run, "diversity")],
        history=[report.HistoryRow(**row) for row in _rows(run, "training_history")],
        profile=_rows(run, "data_profile")[0],
        configuration={name: stamp.config for name, stamp in stamps.items() if stamp.config},
        versions=records["neumf_model"]["versions"],
        origins={name: report.Origin(s.content, s.code) for name, s in stamps.items()},
        source_sha256=stamps["raw_reviews"].inputs["source"],
        skipped={name.removesuffix("_model"): why for name, why in skipped.items() if why},
    )


def headline(metrics: pd.DataFrame) -> dict[str, Any]:
    """NeuMF's figures, which Dagster charts over time, and the table of all models."""
    from ncf_assets.ncf import report

    k = report.headline_k(metrics["k"])
    shown = metrics.query(f"segment == 'all' and metric in ('hr', 'ndcg') and k == {k}")
    shown = shown[~shown["protocol"].str.endswith("-corrected")]
    charted = {
        f"{row['metric'].upper()}@{row['k']} {row['protocol']}": float(row["value"])
        for row in shown[shown["model"] == "neumf"].to_dict("records")
    }
    return {**charted, "models": table_metadata(shown.round(4))}


def _rows(run: Run, table: str) -> list[dict[str, Any]]:
    """A table's rows as dictionaries, with None where Parquet has null."""
    frame = run.inputs.read(table)
    return [
        {str(k): None if pd.isna(v) else v for k, v in row.items()}
        for row in frame.to_dict("records")
    ]
