"""A run of this process, recorded in Dagster as those that its web server launches.

So its UI shows the run under its job or its assets, executes it again and terminates it.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dagster as dg
from dagster._core.definitions.job_base import IJob, InMemoryJob
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME
from dagster._core.execution.api import execute_run
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from ncf_assets.orchestration.dagster_runs import is_terminated, processes_of

LOCATION = "ncf_assets"  # as pyproject.toml and workspace.yaml name the code location
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
FOLLOW_SECONDS = 0.5  # between two looks at what steps in processes have recorded: chosen
DEFINITIONS = "ncf_assets.definitions"
POLL_SECONDS = 1.0  # between two looks at whether the run is terminated: chosen


def record_run(
    instance: dg.DagsterInstance,
    job: dg.JobDefinition,
    run_id: str,
    config: Mapping[str, Any],
    tags: Mapping[str, str],
    selected: Collection[dg.AssetKey] | None,
) -> dg.DagsterRun:
    """Record a run of all assets of a job, or of those that are selected."""
    return instance.create_run_for_job(
        job,
        run_id=run_id,
        run_config=config,
        tags={**job.run_tags, **tags},
        asset_selection=None if selected is None else frozenset(selected),
        remote_job_origin=_origin(job.name),
    )


def execute_recorded(
    instance: dg.DagsterInstance, job: dg.JobDefinition, run: dg.DagsterRun
) -> bool:
    """Execute a recorded run in this process, which prints nothing; True if it succeeded.

    The process is interrupted when somebody terminates the run in Dagster's UI.
    """
    quiet = run._replace(run_config={**run.run_config, **QUIET})
    with _interrupted_when_terminated(instance, run.run_id):
        return execute_run(_executable(job, run), quiet, instance).success


def _executable(job: dg.JobDefinition, run: dg.DagsterRun) -> IJob:
    """Return a job as Dagster executes it; if steps are processes, as they find it themselves."""
    if processes_of(run) == 1:
        return InMemoryJob(job)
    module = ReconstructableRepository.for_module(DEFINITIONS, "defs")
    return module.get_reconstructable_job(job.name)


@contextmanager
def followed(
    instance: dg.DagsterInstance, run: dg.DagsterRun, on_event: Callable[[dg.EventLogEntry], None]
) -> Iterator[None]:
    """Pass on each event of a run: at once, or if steps are processes, as soon as it is found."""
    if processes_of(run) == 1:
        instance.add_event_listener(run.run_id, on_event)
        yield
        return
    ended = threading.Event()

    def pass_on(cursor: str | None) -> str | None:
        found = instance.get_records_for_run(run.run_id, cursor)
        for record in found.records:
            on_event(record.event_log_entry)
        return found.cursor

    def follow() -> None:
        cursor = pass_on(None)
        while not ended.wait(FOLLOW_SECONDS):
            cursor = pass_on(cursor)
        pass_on(cursor)

    follower = threading.Thread(target=follow, daemon=True)
    follower.start()
    try:
        yield
    finally:
        ended.set()
        follower.join()


def _origin(job_name: str) -> RemoteJobOrigin:
    """Return where Dagster's other processes find a job of ours."""
    target = LoadableTargetOrigin(executable_path=sys.executable, module_name=DEFINITIONS)
    location = ManagedGrpcPythonEnvCodeLocationOrigin(target, LOCATION)
    return RemoteJobOrigin(RemoteRepositoryOrigin(location, SINGLETON_REPOSITORY_NAME), job_name)


@contextmanager
def _interrupted_when_terminated(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(POLL_SECONDS):
            if is_terminated(instance, run_id):
                os.kill(os.getpid(), signal.SIGINT)
                return

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        ended.set()
