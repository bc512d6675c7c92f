"""A Dagster daemon that ends when nothing is left to do: `python -m ncf_assets.cli.passing_daemon`.

`ncf_assets.cli.daemon` starts it. A note in DAGSTER_HOME names its process while it runs.
"""

import json
import os
import signal
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path

import dagster as dg
from dagster._daemon import controller
from dagster._daemon.cli import main as dagster_daemon

from ncf_assets.cli.dagster_home import prepare_home, workspace_options
from ncf_assets.orchestration.dagster_runs import DAEMON_NOTE, has_work
from ncf_assets.warehouse.lock_holder import LockHolder

POLL_SECONDS = 1.5
BACKFILL_SECONDS = 2  # between two looks at a backfill; Dagster's 30 are most of a short one's time


def main() -> None:
    """Run Dagster's daemon, and take back its sign of life at its end."""
    note = prepare_home() / DAEMON_NOTE
    note.write_text(json.dumps(asdict(LockHolder.this_process("daemon"))), encoding="utf-8")
    threading.Thread(target=_end_when_idle, daemon=True).start()
    controller.DEFAULT_DAEMON_INTERVAL_SECONDS = BACKFILL_SECONDS  # there is no setting for it
    sys.argv = [str(Path(sys.executable).with_name("dagster-daemon")), "run", *workspace_options()]
    try:
        dagster_daemon()
    finally:
        with dg.DagsterInstance.get() as instance:
            instance.wipe_daemon_heartbeats()
        note.unlink(missing_ok=True)


def _end_when_idle() -> None:
    """Interrupt this process when there was nothing to do at two looks, as work comes in steps."""
    with dg.DagsterInstance.get() as instance:
        idle = 0
        while idle < 2:
            time.sleep(POLL_SECONDS)
            idle = 0 if has_work(instance) else idle + 1
    os.kill(os.getpid(), signal.SIGINT)


if __name__ == "__main__":
    main()
