"""The executor: all steps in the run's process or, by configuration, several processes at a time.

With `execution: {config: {multiprocess: {max_concurrent: 2}}}` each step has a process of its own,
and independent steps run at the same time. The run's process holds the lock of the dataset for all
of them, and they end with it, as `ncf_assets.warehouse.dataset_lock` says.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
from dagster._core.definitions.executor_definition import (
    ExecutorRequirement,
    multiple_process_executor_requirements,
)
from dagster._core.execution.retries import RetryMode
from dagster._core.executor.in_process import InProcessExecutor
from dagster._core.executor.multiprocess import MultiprocessExecutor

from ncf_assets.orchestration.dagster_runs import PROCESSES, dataset_of
from ncf_assets.orchestration.resources import tagged
from ncf_assets.orchestration.run_settings import out_of_range
from ncf_assets.warehouse.dataset_lock import dataset_lock, remove_orphaned_files
from ncf_assets.warehouse.warehouse import Warehouse

PRELOADED = ["ncf_assets.definitions"]  # what each process would import for itself
MULTIPROCESS = {
    "max_concurrent": dg.Field(
        int,
        default_value=PROCESSES,
        description="Steps that run at the same time, each in a process of its own. DuckDB's memory"
        " is shared out among them; networks and models take what they need.",
    ),
}


class SettingsError(ValueError):
    """A run configuration has settings out of range. The message names them."""


def check_settings(plan_context: Any) -> None:
    """Raise SettingsError for settings out of range, and have the run end as canceled then.

    Of a run that fails, Dagster shows every asset as failed that it had planned.
    """
    job, run = plan_context.job.get_definition(), plan_context.dagster_run
    if complaints := out_of_range(job, run.run_config):
        found = "\n".join(("the run configuration has settings out of range:", *complaints))
        plan_context.instance.report_run_canceling(run, found)
        raise SettingsError(found)


class OneProcessExecutor(InProcessExecutor):
    """Runs one step after the other in the run's process."""

    def execute(self, plan_context: Any, execution_plan: Any) -> Iterator[Any]:
        """Yield the events of a run whose settings are in range."""
        check_settings(plan_context)
        yield from super().execute(plan_context, execution_plan)


class DatasetExecutor(MultiprocessExecutor):
    """Runs each step in a process of its own while this process holds the lock of the dataset."""

    def __init__(self, place: Warehouse, processes: int) -> None:
        if processes < 1:  # Dagster would take all cores, and memory be shared out for none
            raise ValueError(
                f"max_concurrent must be 1 or more, found {processes}. Correct it under `execution`"
                " of the run configuration."
            )
        self._place = place
        super().__init__(
            retries=RetryMode.ENABLED,
            max_concurrent=processes,
            start_method="forkserver",
            explicit_forkserver_preload=PRELOADED,
        )

    def execute(self, plan_context: Any, execution_plan: Any) -> Iterator[Any]:
        """Yield the events of a run; what a killed step was writing is removed at its end."""
        check_settings(plan_context)
        run, instance = plan_context.dagster_run, plan_context.instance
        dataset = dataset_of(run)
        with (
            dataset_lock(self._place, dataset, run.run_id),
            tagged(instance, run.run_id, self._place),
        ):
            try:
                yield from super().execute(plan_context, execution_plan)
            finally:
                remove_orphaned_files(self._place.root, dataset)


def dataset_executor(place: Warehouse) -> dg.ExecutorDefinition:
    """Make the executor of a warehouse's jobs."""

    @dg.executor(
        name="in_process_or_multiprocess",
        config_schema=dg.Field(
            dg.Selector({"in_process": {}, "multiprocess": MULTIPROCESS}),  # type: ignore[no-untyped-call]
            default_value={"in_process": {}},
            description="`in_process`, one step after the other, or `multiprocess`, several"
            " independent ones at the same time.",
        ),
        requirements=_requirements,
    )
    def executor(context: dg.InitExecutorContext) -> dg.Executor:
        config: Any = context.executor_config
        if "multiprocess" in config:
            return DatasetExecutor(place, config["multiprocess"]["max_concurrent"])
        return OneProcessExecutor(retries=RetryMode.ENABLED)

    return executor


def _requirements(config: Mapping[str, object]) -> Sequence[ExecutorRequirement]:
    return multiple_process_executor_requirements() if "multiprocess" in config else []
