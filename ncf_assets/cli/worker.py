"""`ncf-assets worker`: lend this machine to the trainings of another process."""

import os

import click

from ncf_assets.cli.choices import warehouse


@click.command()
def worker() -> None:
    """Take part in the trainings of another process.

    It ends with the process of worker 0 of TF_CONFIG. That is any other command that trains, such
    as `ncf-assets materialize`, with the same TF_CONFIG but for its index. All need the same data
    folder or object store, or copies of the tables. See docs/scaling.md.
    """
    from ncf_assets.assets.teamwork import take_part
    from ncf_assets.ncf import team

    config = os.environ.get("TF_CONFIG")
    try:
        size, index = team.place(config) if config else (0, 0)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    if not index:
        raise click.UsageError(
            "TF_CONFIG must say which worker this is, from 1 on; for example"
            ' {"cluster": {"worker": ["host1:5000", "host2:5000"]},'
            ' "task": {"type": "worker", "index": 1}}'
        )
    click.echo(f"worker {index} of {size} waits for worker 0")
    joined = team.of_environment()
    try:
        with joined.together():
            for dataset in take_part(joined, warehouse()):
                click.echo(f"trains on {dataset}")
    except (ValueError, ConnectionError) as error:
        raise click.ClickException(str(error)) from error
    click.echo("worker 0 has ended")
