"""`ncf-assets doctor`: find what a crash has left, and fix what loses no data."""

import click
import dagster as dg

from ncf_assets.cli.arguments import data_folder_line, read_registry, warehouse
from ncf_assets.cli.asset_graph import graph_assets
from ncf_assets.cli.dagster_home import prepare_home
from ncf_assets.cli.wrapping import say
from ncf_assets.doctor import Finding, HealthCheck
from ncf_assets.warehouse.lock_holder import DatasetLockedError
from ncf_assets.warehouse.paths import display_name

INDENT = "    "  # of remedies


@click.command()
@click.option("--fix", is_flag=True, help="Fix what can be fixed without losing data.")
def doctor(fix: bool) -> None:
    """Find what a crash has left, and say what fixes it.

    Looks for runs that Dagster shows as under way though their process is gone, backfills and
    queued runs without a daemon, a daemon without work, runs that failed and published nothing,
    temporary files, checkpoints of no use, web pages in raw/, partitions that are damaged, missing,
    or of datasets that the registry lacks, and a catalogue that is out of step or of another
    folder. Every table is read to its end. Datasets that a run works on are left out. The exit code
    is 1 if something is found and not fixed.
    """
    found = read_registry()
    click.echo(data_folder_line())
    prepare_home()
    with dg.DagsterInstance.get() as instance:
        check = HealthCheck(warehouse(), found.datasets, found.faults, graph_assets(), instance)
        for dataset, who in check.busy().items():
            say(f"{display_name(dataset)} is left out: {who} works on it")
        unfixed = [finding for finding in check.findings() if not _report(finding, fix)]
    if any(finding.fix for finding in unfixed):
        click.echo("to fix what can be fixed without losing data: ncf-assets doctor --fix")
    if unfixed or found.faults:  # which are told where the registry is read
        raise SystemExit(1)
    click.echo("nothing is left to fix" if fix else "nothing is wrong")


def _report(finding: Finding, fix: bool) -> bool:
    """Print a finding with its remedy; return True if it has been fixed."""
    say(finding.what)
    if finding.fix is None:
        say(finding.remedy, color="yellow", indent=INDENT)
    elif not fix:
        say(f"--fix: {finding.remedy}", color="yellow", indent=INDENT)
    else:
        try:
            finding.fix()
        except DatasetLockedError as error:
            say(f"not fixed: {error}", color="red", indent=INDENT)
        else:
            say(f"fixed: {finding.remedy}", color="green", indent=INDENT)
            return True
    return False
