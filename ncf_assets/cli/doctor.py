"""`ncf-assets doctor`: what a bad day left, and what mends it."""

import click
import dagster as dg

from ncf_assets.cli.choices import graph_assets, registry, warehouse
from ncf_assets.cli.home import prepare_home
from ncf_assets.doctor import Examination, Finding
from ncf_assets.warehouse import spoken
from ncf_assets.warehouse.lease import BusyError


@click.command()
@click.option("--fix", is_flag=True, help="Mend what can be mended without losing data.")
def doctor(fix: bool) -> None:
    """Find what a bad day has left, and say what mends it.

    Looks for runs that Dagster shows as under way though their process is gone, temporary files,
    checkpoints of no use, partitions that are damaged, missing, or of datasets that the registry
    lacks, and a catalogue that is out of step. Every table is read to its end. Datasets that a run
    works on are left out. The exit code is 1 if something is found and not mended.
    """
    datasets = registry()
    prepare_home()
    with dg.DagsterInstance.get() as instance:
        examination = Examination(warehouse(), datasets, graph_assets(), instance)
        for dataset, who in examination.busy().items():
            click.echo(f"{spoken(dataset)} is left out: {who} works on it")
        unmended = [finding for finding in examination.findings() if not _tell(finding, fix)]
    if any(finding.mend for finding in unmended):
        click.echo("to mend what can be mended without losing data: ncf-assets doctor --fix")
    if unmended:
        raise SystemExit(1)
    click.echo("nothing is left to mend" if fix else "nothing is wrong")


def _tell(finding: Finding, fix: bool) -> bool:
    """Print a finding with its remedy; True if it has been mended."""
    click.echo(finding.what)
    if finding.mend is None:
        click.secho(f"    {finding.remedy}", fg="yellow")
    elif not fix:
        click.secho(f"    --fix: {finding.remedy}", fg="yellow")
    else:
        try:
            finding.mend()
        except BusyError as error:
            click.secho(f"    not mended: {error}", fg="red")
        else:
            click.secho(f"    mended: {finding.remedy}", fg="green")
            return True
    return False
