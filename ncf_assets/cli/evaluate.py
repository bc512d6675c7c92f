"""`ncf-assets evaluate`: a model from outside, by its scores, as one more row of the report."""

import time
from pathlib import Path

import click

from ncf_assets.cli.arguments import EVERYTHING, check_datasets, warehouse
from ncf_assets.cli.asset_graph import check_inputs
from ncf_assets.cli.materialize import conclude
from ncf_assets.cli.run_config import check_config, config_option, read_config
from ncf_assets.cli.run_job import run_job
from ncf_assets.cli.selection import resolve_selection
from ncf_assets.ingest.compression import SourceError
from ncf_assets.orchestration import outside_models
from ncf_assets.orchestration.staleness import OUTSIDE
from ncf_assets.warehouse import outside_scores
from ncf_assets.warehouse.lock_holder import DatasetLockedError
from ncf_assets.warehouse.warehouse import Warehouse


@click.command()
@click.argument("dataset")
@click.option(
    "--scores",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A Parquet or CSV file with the columns user, item, and score (higher is better) or"
    " position (1 is best).",
)
@click.option("--name", metavar="MODEL", help="What to call the model whose scores they are.")
@click.option(
    "--dense-ids",
    is_flag=True,
    help="FILE has the numbers of the tables users and items, in place of the source's own ids.",
)
@click.option("--remove", metavar="MODEL", help="Take a model out again.")
@config_option
def evaluate(
    dataset: str,
    file: Path | None,
    name: str | None,
    dense_ids: bool,
    remove: str | None,
    config_file: Path | None,
) -> None:
    """Rank by the scores of a model from outside, as one more row of DATASET's report.

    Each test user must have rows. Items that a user's rows leave out are ranked below all that they
    have, and tie; items that the user has rated do not count. An accepted file is kept, so that
    later runs rank by it too, until its model is taken out or brought anew.

    \b
    ncf-assets evaluate Sample --scores scores.csv --name mine
    ncf-assets evaluate Sample --remove mine
    """
    check_datasets([dataset])
    config, started = read_config(config_file), time.monotonic()
    place = warehouse()
    if (file is None) == (remove is None) or (file is None) != (name is None):
        raise click.UsageError(
            f"Give --scores FILE with --name MODEL, or --remove MODEL. {_models(place, dataset)}"
        )
    if remove and remove not in outside_scores.names(place, dataset):
        raise click.UsageError(f"no model {remove!r} to remove. {_models(place, dataset)}")
    selected = resolve_selection(f"{OUTSIDE}+")
    check_inputs([key.to_user_string() for key in selected], dataset)
    check_config(EVERYTHING, config)  # before anything is accepted or taken out
    try:
        if file and name:
            origin = outside_models.accept(place, dataset, file, name, dense_ids=dense_ids)
            click.echo(f"{origin.file} is accepted as {name}, {origin.rows:,} rows.")
        elif remove:
            outside_models.remove(place, dataset, remove)
            click.echo(f"{remove} is taken out.")
    except (SourceError, DatasetLockedError) as error:
        raise click.ClickException(f"{str(error).rstrip('.')}.") from error
    if not run_job(EVERYTHING, dataset, config, selected):
        raise SystemExit(1)
    click.echo(f"{dataset} is evaluated, {time.monotonic() - started:.0f} s.")
    conclude(dataset, has_new_report=True)


def _models(place: Warehouse, dataset: str) -> str:
    known = ", ".join(outside_scores.names(place, dataset)) or "none"
    return f"Models from outside that {dataset} has: {known}."
