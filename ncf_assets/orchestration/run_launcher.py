"""The launcher that `dagster.yaml` names: Dagster's own, which also ends the runs of commands."""

from dagster import DefaultRunLauncher
from dagster._core.storage.tags import GRPC_INFO_TAG


class RunLauncher(DefaultRunLauncher):
    """Launches runs as Dagster does, and terminates those that commands execute themselves."""

    def terminate(self, run_id: str) -> bool:
        """Ask a run to end; True if it was asked.

        A command has no server to be asked by. It looks at the status of its run every second.
        """
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished or GRPC_INFO_TAG in run.tags:
            return bool(super().terminate(run_id))  # type: ignore[no-untyped-call]
        self._instance.report_run_canceling(run)
        return True
