"""`ncf-assets backfill`: a Dagster backfill of datasets, followed to its end."""

import re
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import click
import dagster as dg
from dagster._core.execution.stats import StepEventStatus
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ncf_assets.cli.arguments import (
    EVERYTHING,
    asset_names,
    check_can_train,
    check_datasets,
    missing_details,
    registry,
    source_refusals,
)
from ncf_assets.cli.daemon import Daemon, TerminalClosedError
from ncf_assets.cli.dagster_home import check_sockets, prepare_home
from ncf_assets.cli.graphql import cancel_backfill, launch_backfill, retry_failed
from ncf_assets.cli.progress import failure_reason
from ncf_assets.cli.run_config import (
    check_config,
    config_option,
    read_config,
    seeds_option,
    with_seeds,
)
from ncf_assets.cli.wrapping import say
from ncf_assets.warehouse.paths import ui_command

POLL_SECONDS = 2
NEWEST = "newest"  # in place of a backfill's id
LATEST = 5  # events of a run among which a message is looked for
SAID_EVERY = 30  # seconds: how far a run is, while its step stays the same
UNKNOWN = re.compile(r"have been removed since .* were removed: .(?P<names>[^]}]+)", re.DOTALL)
REMEDY = (
    "the running daemon has not read {} in the registry yet. Reload the definitions in the UI"
    f" (Lineage, Reload definitions), or start `{ui_command()}` again; then run this once more."
)
SUCCEEDED = {"COMPLETED", "COMPLETED_SUCCESS"}
ENDED = SUCCEEDED | {"COMPLETED_FAILED", "FAILED", "CANCELED"}


@click.command()
@click.argument("datasets", nargs=-1)
@click.option("--all", "every", is_flag=True, help="All datasets of the registry.")
@click.option("--failed", is_flag=True, help="What failed in the last backfill, and what follows.")
@click.option(
    "--follow",
    is_flag=False,
    flag_value=NEWEST,
    metavar="[ID]",
    help="Follow a backfill that is there already, by default the newest.",
)
@config_option
@seeds_option
def backfill(
    datasets: tuple[str, ...],
    every: bool,
    failed: bool,
    follow: str | None,
    config_file: Path | None,
    seeds: int | None,
) -> None:
    """Materialize all assets of DATASETS as a Dagster backfill.

    Each dataset has a run of its own. The backfill is recorded in Dagster and shown in its UI. If
    no Dagster daemon is running, one is started for as long as there is something to do. It goes on
    if the terminal is closed or this command is killed; --follow takes up the backfill again. A
    ctrl-c cancels the backfill. A dataset whose source file cannot be had is left out. The exit
    code is 1 if a dataset failed or was left out.
    """
    if sum([bool(datasets), every, failed, bool(follow)]) != 1:
        raise click.UsageError("give one of the four: datasets, --all, --failed, or --follow")
    if (failed or follow) and (config_file or seeds):
        raise click.UsageError(
            "a recorded backfill has its configuration. Leave out --config and --seeds."
        )
    check_datasets(datasets)
    config = with_seeds(read_config(config_file), seeds)
    check_config(EVERYTHING, config)
    check_can_train()
    check_sockets()
    names = tuple(registry()) if every else datasets
    refused = source_refusals(names)
    for reason in refused.values():
        say(f"left out: {reason}", err=True)
    names = tuple(name for name in names if name not in refused)
    if refused and not names:
        raise click.ClickException("no dataset is left, so there is no backfill.")
    for name, reason in missing_details(names).items():
        say(f"warning, items of {name} will have no titles: {reason}", err=True)
    prepare_home()
    with dg.DagsterInstance.get() as instance:
        if follow:
            backfill_id = _recorded(instance, follow)
            click.echo(f"backfill {backfill_id} is followed")
        elif failed:
            backfill_id = retry_failed(_last_failed(instance))
        else:
            backfill_id = launch_backfill(names, asset_names(), config)
        if not follow:
            click.echo(f"backfill {backfill_id} is recorded")
        try:
            with Daemon(instance) as daemon:
                _follow_or_cancel(instance, backfill_id, daemon)
        except TerminalClosedError:
            raise SystemExit(128 + signal.SIGHUP) from None
        runs = _runs(instance, backfill_id)
        if runs:
            Console().print(_outcome(instance, runs))
        ended = instance.get_backfill(backfill_id)
    if ended is None or ended.status.value not in SUCCEEDED:
        if ended and ended.error:  # of Dagster's, not of a run
            if unknown := UNKNOWN.search(ended.error.message):
                raise click.ClickException(REMEDY.format(unknown["names"]))
            say(f"Dagster ended the backfill: {ended.error.message.strip()}", err=True)
        click.echo("run what failed again with: ncf-assets backfill --failed", err=True)
        raise SystemExit(1)
    if refused:
        raise SystemExit(1)


def _follow_or_cancel(instance: dg.DagsterInstance, backfill_id: str, daemon: Daemon) -> None:
    """Follow a backfill to its end; if this command is to end before, cancel it first."""
    try:
        _follow(instance, backfill_id, daemon)
    except (KeyboardInterrupt, SystemExit):
        click.echo(
            "interrupted: Dagster cancels the backfill, which takes it up to a minute", err=True
        )
        cancel_backfill(backfill_id)
        for run in _runs(instance, backfill_id).values():  # before Dagster's daemon looks again
            if not run.is_finished:
                instance.run_coordinator.cancel_run(run.run_id)
        _follow(instance, backfill_id, daemon)  # until Dagster has ended its runs


def _recorded(instance: dg.DagsterInstance, backfill_id: str) -> str:
    """Return the id of a backfill that is there, or of the newest; raise for another one."""
    if backfill_id == NEWEST:
        if newest := instance.get_backfills(limit=1):
            return newest[0].backfill_id
        raise click.ClickException("there is no backfill yet, so nothing to follow.")
    if instance.get_backfill(backfill_id) is None:
        known = [backfill.backfill_id for backfill in instance.get_backfills(limit=5)]
        raise click.UsageError(
            f"there is no backfill {backfill_id!r}. There are: {', '.join(known) or 'none'}."
        )
    return backfill_id


def _last_failed(instance: dg.DagsterInstance) -> str:
    """Return the id of the newest backfill if it failed; raise where nothing is to run again."""
    newest = instance.get_backfills(limit=1)
    if not newest:
        raise click.ClickException("there is no backfill yet, so nothing to run again.")
    last = newest[0]
    if last.status.value not in ENDED:
        raise click.ClickException(
            f"the last backfill, {last.backfill_id}, has not ended. Go on with it by `ncf-assets"
            f" backfill --follow {last.backfill_id}`, or cancel it in the UI."
        )
    if last.status.value in SUCCEEDED:
        raise click.ClickException(
            f"the last backfill, {last.backfill_id}, succeeded, so there is nothing to run again."
        )
    return last.backfill_id


def _follow(instance: dg.DagsterInstance, backfill_id: str, daemon: Daemon) -> None:
    """Print a line whenever a run gets further, until Dagster has closed the backfill.

    A step that takes long is named again, with the newest of what it says of itself.
    """
    shown: dict[str, tuple[str, float]] = {}  # the state of each dataset, and when it was said
    while True:
        for dataset, run in _runs(instance, backfill_id).items():
            state, (before, at) = _state(instance, run), shown.get(dataset, ("", 0.0))
            late = state == before and time.monotonic() - at > SAID_EVERY
            newest = _newest_message(instance, run, state.split(", ")) if late else ""
            if state != before or newest:
                line = f"{state}{newest and ': '}{newest}"
                say(f"{time.strftime('%H:%M:%S')}  {dataset:<28} {line}")
                shown[dataset] = state, time.monotonic()
        current = instance.get_backfill(backfill_id)
        if current is None or current.status.value in ENDED:
            return
        daemon.ensure()
        time.sleep(POLL_SECONDS)


def _runs(instance: dg.DagsterInstance, backfill_id: str) -> dict[str, dg.DagsterRun]:
    """Return the newest run of each dataset in a backfill, in the order of their names."""
    found = instance.get_runs(dg.RunsFilter(tags={"dagster/backfill": backfill_id}))
    newest = {run.tags.get("dagster/partition", ""): run for run in reversed(found)}
    return dict(sorted(newest.items()))


def _state(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    """Return a text such as `started, step 7 of 32, users`."""
    state = run.status.value.lower().replace("_", " ")
    if run.status in (dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED):
        return state
    steps = instance.get_run_step_stats(run.run_id)
    plan = instance.get_execution_plan_snapshot(str(run.execution_plan_snapshot_id))
    total = len(run.step_keys_to_execute or plan.step_keys_to_execute)
    running = [step.step_key for step in steps if step.status == StepEventStatus.IN_PROGRESS]
    if not running:
        return f"{state}, {len(steps)} of {total} steps"
    return f"{state}, step {len(steps)} of {total}, {', '.join(running)}"


def _newest_message(instance: dg.DagsterInstance, run: dg.DagsterRun, steps: Sequence[str]) -> str:
    """Return what one of these steps has said of itself among a run's latest events, or ""."""
    latest = instance.get_records_for_run(run.run_id, limit=LATEST, ascending=False).records
    entries = [record.event_log_entry for record in latest]
    said = (one for one in entries if not one.dagster_event and one.step_key in steps)
    return next((one.user_message for one in said), "")


def _outcome(instance: dg.DagsterInstance, runs: dict[str, dg.DagsterRun]) -> Table:
    """Return a table of each dataset's outcome."""
    table = Table("dataset", "state", "seconds", "what failed")
    for dataset, run in runs.items():
        record = instance.get_run_record_by_id(run.run_id)
        seconds = (record.end_time or 0) - (record.start_time or 0) if record else 0
        style = "" if run.is_success else "red"
        failures = "" if run.is_success else _failures(instance, run)
        table.add_row(dataset, run.status.value, f"{seconds:.0f}", escape(failures), style=style)
    return table


def _failures(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    """Return the failed steps of a run, each with its cause."""
    events = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    causes = [
        f"{event.step_key}: {failure_reason(event.dagster_event.step_failure_data)}"
        for event in events
        if event.dagster_event
    ]
    return "\n".join(causes) or "see the run in the Dagster UI"
