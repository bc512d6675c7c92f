"""A standalone Spark cluster on loopback: a master and two workers as processes, small ones."""

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path

SECONDS = 60  # to start in, on a busy machine
DEFAULTS = """
spark.driver.bindAddress 127.0.0.1
spark.driver.host 127.0.0.1
spark.driver.memory 512m
spark.executor.memory 512m
spark.sql.shuffle.partitions 2
spark.ui.enabled false
spark.ui.showConsoleProgress false
"""


def missing() -> str:
    """Why there can be no cluster here; empty if there can."""
    if find_spec("pyspark") is None:
        return "no pyspark: pip install 'ncf-assets[spark]'"
    return "" if shutil.which("java") else "no Java: apt-get install openjdk-17-jre-headless"


@contextmanager
def cluster(folder: Path) -> Iterator[str]:
    """The master's URL; `SPARK_CONF_DIR` in the environment says the driver how small it is."""
    (folder / "spark-defaults.conf").write_text(DEFAULTS)
    port, web = _free_port(), _free_port()
    master = f"spark://127.0.0.1:{port}"
    with ExitStack() as running:
        running.enter_context(_process(folder, "master.Master", "-p", port, "--webui-port", web))
        for worker in ("a", "b"):
            size = ("-c", 1, "-m", "512m", "-d", folder / worker, "--webui-port", 0)
            running.enter_context(_process(folder, "worker.Worker", *size, master))
        _wait_for_workers(f"http://127.0.0.1:{web}/json/", 2)
        yield master


@contextmanager
def _process(folder: Path, name: str, *arguments: object) -> Iterator[None]:
    spec = find_spec("pyspark")
    assert spec is not None
    home = Path(str(spec.origin)).parent
    environment = {
        **os.environ,
        "SPARK_CONF_DIR": str(folder),
        "SPARK_DAEMON_MEMORY": "192m",
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_HOME": str(home),
    }
    command = [home / "bin" / "spark-class", f"org.apache.spark.deploy.{name}", "-h", "127.0.0.1"]
    with (
        (folder / f"{name}.log").open("a") as log,
        subprocess.Popen(
            [*map(str, command), *map(str, arguments)], env=environment, stdout=log, stderr=log
        ) as process,
    ):
        try:
            yield
        finally:
            process.terminate()


def _wait_for_workers(page: str, workers: int) -> None:
    for _ in range(2 * SECONDS):
        try:
            with urllib.request.urlopen(page, timeout=SECONDS) as found:  # noqa: S310  # loopback
                if json.load(found)["aliveworkers"] == workers:
                    return
        except OSError:
            pass
        time.sleep(0.5)
    raise TimeoutError(f"{page} does not show {workers} workers after {SECONDS} s")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
