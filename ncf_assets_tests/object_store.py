"""Object stores on this machine: S3 as moto serves it on loopback, and a folder."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from ncf_assets_tests.serving import free_port, wait_until_served

SECONDS = 60  # to start in, on a busy machine
BUCKET = "warehouse"


@contextmanager
def s3(folder: Path) -> Iterator[dict[str, str]]:
    """The environment variables for a bucket that is empty; the server logs to `folder`."""
    port, log = free_port(), folder / "s3.log"
    address = f"http://127.0.0.1:{port}"
    call = [str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", str(port)]
    with (
        log.open("wb") as written,
        subprocess.Popen(call, stdout=written, stderr=written) as server,
    ):
        try:
            wait_until_served(f"{address}/moto-api/", log, SECONDS)
            requests.put(f"{address}/{BUCKET}", timeout=SECONDS).raise_for_status()
            yield {
                "NCF_STORE": f"s3://{BUCKET}/ncf",
                "AWS_ENDPOINT_URL": address,
                "AWS_ALLOW_HTTP": "true",
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_REGION": "us-east-1",
            }
        finally:
            server.kill()


@contextmanager
def folder_store(folder: Path) -> Iterator[dict[str, str]]:
    """The environment variable for a folder as a store."""
    yield {"NCF_STORE": f"file://{folder}/bucket"}


STORES = {"s3": s3, "file": folder_store}
