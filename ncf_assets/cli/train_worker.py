"""`ncf-assets train-worker`: lend this machine to the trainings of another process."""

import os

import click

from ncf_assets.cli.arguments import warehouse


@click.command("train-worker")
def train_worker() -> None:
    """Take part in the trainings of another process.

    It ends with the process of worker 0 of TF_CONFIG. That is any other command that trains, such
    as `ncf-assets materialize`, with the same TF_CONFIG but for its index. All need the same data
    folder, or copies of the tables. See docs/scaling.md.
    """
    from ncf_assets.ncf.training import distributed
    from ncf_assets.ncf.training.cluster import check_workers, parse_tf_config
    from ncf_assets.orchestration.distributed import run_worker

    config = os.environ.get("TF_CONFIG")
    try:
        size, index = parse_tf_config(config) if config else (0, 0)
        if config and index:
            check_workers(config)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    if not index:
        raise click.UsageError(
            "TF_CONFIG must say which worker this is, from 1 on. For example:"
            ' {"cluster": {"worker": ["host1:5000", "host2:5000"]},'
            ' "task": {"type": "worker", "index": 1}}'
        )
    click.echo(f"worker {index} of {size} waits for worker 0")
    cluster = distributed.from_env()
    try:
        with cluster.collective_errors():
            for dataset in run_worker(cluster, warehouse()):
                click.echo(f"trains on {dataset}")
    except (ValueError, ConnectionError) as error:
        raise click.ClickException(str(error)) from error
    click.echo("worker 0 has ended")
