"""S3 on this machine, as moto serves it on loopback, a proxy that makes trouble, and some Azure."""

import re
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

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
    """Make a bucket, and return the environment variables for an empty data folder in it."""
    name = f"warehouse-{uuid.uuid4()}"
    requests.put(f"{address}/{name}", timeout=SECONDS).raise_for_status()
    return {
        "NCF_DATA_DIR": f"s3://{name}/ncf",
        "AWS_ENDPOINT_URL": address,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
    }


Answer = Callable[[str, Callable[[], Any]], tuple[int, bytes] | None]


@dataclass
class Proxy:
    """A server before S3's, and what it answers by itself: status and body, or None."""

    address: str
    answer: Answer


@contextmanager
def proxy(address: str) -> Iterator[Proxy]:
    """Run a server in this process that passes requests on, unless its `answer` does not."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_request(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name: value for name, value in self.headers.items() if name != "Host"}

            def forward() -> requests.Response:
                return requests.request(
                    self.command, address + self.path, headers=headers, data=body, timeout=SECONDS
                )

            found = behind.answer(self.command, forward)
            if found is None:
                answer = forward()
                self._answer(answer.status_code, answer.content, answer.headers)
            else:
                self._answer(*found, {"Content-Type": "application/xml", "ETag": '"none"'})

        def _answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                    self.send_header(name, value)
            length = headers.get("Content-Length") if self.command == "HEAD" else None
            self.send_header("Content-Length", length or str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_PUT = do_DELETE = do_POST = handle_request  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with serving(Handler) as found:
        behind = Proxy(found, lambda *_: None)
        yield behind


@contextmanager
def azure(blobs: Mapping[str, bytes]) -> Iterator[dict[str, str]]:
    """Serve blobs by name as Azure does, and yield the environment variables for their folder.

    Like Azure it has no ranges that count from the end.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            blob = blobs.get(self.path.removeprefix("/container/ncf/"))
            asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", "bytes=0-99999"))
            if blob is None or asked is None:
                self.send_error(404 if asked else 400)
                return
            first, last = int(asked[1]), min(int(asked[2]), len(blob) - 1)
            self.send_response(206 if "Range" in self.headers else 200)
            self.send_header("Content-Length", str(last + 1 - first))
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(blob)}")
            self.send_header("ETag", '"0x1"')
            self.send_header("Last-Modified", "Wed, 01 Jan 2020 00:00:00 GMT")
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(blob[first : last + 1])

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with serving(Handler) as address:
        yield {
            "NCF_DATA_DIR": "az://container/ncf",
            "AZURE_STORAGE_ENDPOINT": address,
            "AZURE_STORAGE_ACCOUNT_NAME": "test",
            "AZURE_STORAGE_ACCOUNT_KEY": "dGVzdA==",
            "AWS_ALLOW_HTTP": "true",
        }


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Run a server in this process, and yield its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
