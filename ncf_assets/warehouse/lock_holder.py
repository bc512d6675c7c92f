"""Describe the run that has locked a dataset, for messages and to tell whether it is alive.

The lock itself is in `ncf_assets.warehouse.dataset_lock`.
"""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

from ncf_assets.warehouse.provenance import now


class DatasetLockedError(RuntimeError):
    """Another run has locked the dataset. The message names the run and the remedy."""

    def __init__(self, dataset: str, holder: "LockHolder | None") -> None:
        super().__init__(
            f"one run works on a dataset at a time, and {dataset} is being materialized by"
            f" {holder or 'a run that has just begun'}. Wait until it has ended, or end it, then"
            " run this again."
        )


@dataclass(frozen=True)
class LockHolder:
    """The run that has locked a dataset, its process, and since when (ISO 8601, UTC).

    `machine` distinguishes machines and containers whose hosts have the same name.
    """

    run_id: str
    pid: int
    host: str
    since: str
    machine: str = ""

    @classmethod
    def this_process(cls, run_id: str) -> "LockHolder":
        """Return the holder that this process is for a run, from now on."""
        return cls(run_id, os.getpid(), socket.gethostname(), now(), _machine())

    def is_gone(self) -> bool:
        """Return whether its process is known to be gone, which only its own machine can know."""
        return bool(self.machine) and self.machine == _machine() and not _is_running(self.pid)

    def __str__(self) -> str:
        since = self.since[:19].replace("T", " ")
        return f"run {self.run_id} (process {self.pid} on {self.host}, since {since} UTC)"


def _machine() -> str:
    """Return the boot id and the namespace of process ids; empty if the system has neither."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
