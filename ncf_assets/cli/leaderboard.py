"""`ncf-assets leaderboard`: all materialized datasets side by side, brought up to date first."""

import click
import pandas as pd
from rich.console import Console
from rich.table import Column, Table

from ncf_assets.cli.arguments import registry, warehouse
from ncf_assets.cli.run_job import run_job
from ncf_assets.cli.show import compared_models
from ncf_assets.warehouse.leaderboard_summary import summarize
from ncf_assets.warehouse.paths import ALL_DATASETS

JOB, TABLE = "refresh_leaderboard", "leaderboard"


@click.command()
def leaderboard() -> None:
    """Show all models on all datasets, brought up to date first.

    The table `leaderboard` is materialized first. It has more metrics, and
    the view `leaderboard_summary` compares the models over all datasets:

    \b
    ncf-assets sql "from leaderboard"
    ncf-assets sql "from leaderboard_summary"
    """
    registry()
    if not run_job(JOB, ALL_DATASETS, {}):
        raise SystemExit(1)
    place = warehouse()
    rows = place.read(TABLE, ALL_DATASETS)
    if rows.empty:
        click.echo(f"no dataset in {place.name} has a report. Run `ncf-assets materialize Sample`.")
        return
    for name, own in rows.groupby("dataset"):
        Console().print(compared_models(own, str(name)))
    if rows["dataset"].nunique() > 1:
        Console().print(_summary(summarize(rows)))
    for dataset, row in rows.groupby("dataset")[["report", "state"]].first().iterrows():
        click.echo(f"{dataset}: {row['state']}, {place.published.name(place.root / row['report'])}")
    missing = len(registry()) - rows["dataset"].nunique()
    click.echo(
        f"not materialized to the end: {missing} of {len(registry())} datasets;"
        " `ncf-assets status` says what there is"
    )


def _summary(rows: pd.DataFrame) -> Table:
    """Return a row for each model over all datasets, the best mean rank first."""
    verdicts = Column("NeuMF is better / equal / undecided / worse", justify="center")
    shown = Table("model", "mean rank", "ranks", "times popularity", verdicts)
    for row in rows.to_dict("records"):
        counts = [row[f"neumf_{verdict}"] for verdict in ("better", "equal", "undecided", "worse")]
        times = row["times_popularity"]
        shown.add_row(
            row["model"],
            f"{row['mean_rank']:.1f}",
            row["ranks"],
            "" if pd.isna(times) else f"{times:.2f}",
            " / ".join(map(str, counts)) if any(counts) else "",
        )
    return shown
