"""S3 on this machine, as moto serves it on loopback."""

import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from ncf_assets_tests.serving import free_port, wait_until_served

SECONDS = 60  # to start in, on a busy machine


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """Run a server for S3, which logs to the folder, and yield its address."""
    port, log = free_port(), folder / "s3.log"
    address = f"http://127.0.0.1:{port}"
    call = [str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", str(port)]
    with (
        log.open("wb") as written,
        subprocess.Popen(call, stdout=written, stderr=written) as process,
    ):
        try:
            wait_until_served(f"{address}/moto-api/", log, SECONDS)
            yield address
        finally:
            process.kill()


def new_bucket(address: str) -> dict[str, str]:
    """Make a bucket, and return the environment variables for an empty store in it."""
    name = f"warehouse-{uuid.uuid4()}"
    requests.put(f"{address}/{name}", timeout=SECONDS).raise_for_status()
    return {
        "NCF_STORE": f"s3://{name}/ncf",
        "AWS_ENDPOINT_URL": address,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
    }
