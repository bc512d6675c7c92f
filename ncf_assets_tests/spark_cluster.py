"""A standalone Spark cluster on loopback: a master and two workers as processes, small ones."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path

from ncf_assets_tests.serving import free_port, wait_until_served

SECONDS = 180  # to start in, on a busy machine
QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"  # short runs gain nothing from Java's optimizer
DEFAULTS = f"""
spark.driver.bindAddress 127.0.0.1
spark.driver.host 127.0.0.1
spark.driver.memory 512m
spark.driver.extraJavaOptions {QUICK}
spark.executor.memory 512m
spark.executor.extraJavaOptions {QUICK}
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
    port, pages = free_port(), [free_port() for _ in range(3)]
    master = f"spark://127.0.0.1:{port}"
    with ExitStack() as running:
        words = ("master.Master", "-p", port, "--webui-port", pages[0])
        logs = [running.enter_context(_process(folder, "master", *words))]
        for worker, page in zip("ab", pages[1:], strict=True):
            size = ("-c", 1, "-m", "512m", "-d", folder / worker, "--webui-port", page)
            logs.append(
                running.enter_context(_process(folder, worker, "worker.Worker", *size, master))
            )
        for page, log in zip(pages, logs, strict=True):
            wait_until_served(f"http://127.0.0.1:{page}/json/", log, SECONDS)
        yield master


@contextmanager
def _process(folder: Path, name: str, main: str, *arguments: object) -> Iterator[Path]:
    """A process of Spark's, and its log."""
    spec = find_spec("pyspark")
    assert spec is not None
    home = Path(str(spec.origin)).parent
    environment = {
        **os.environ,
        "SPARK_CONF_DIR": str(folder),
        "SPARK_DAEMON_JAVA_OPTS": QUICK,
        "SPARK_DAEMON_MEMORY": "192m",
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_HOME": str(home),
    }
    command = [home / "bin" / "spark-class", f"org.apache.spark.deploy.{main}", "-h", "127.0.0.1"]
    file = folder / f"{name}.log"
    with (
        file.open("w") as log,
        subprocess.Popen(
            [*map(str, command), *map(str, arguments)], env=environment, stdout=log, stderr=log
        ) as process,
    ):
        try:
            yield file
        finally:
            process.terminate()
