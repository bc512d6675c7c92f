"""A real HTTP server on loopback that publishes one file, and answers requests as a test says."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

BODY = bytes(range(256)) * 10_000  # 2,560,000 bytes: three blocks of 1 MiB
DATE = "Wed, 25 Nov 2026 00:00:00 GMT"


class Server(ThreadingHTTPServer):
    """The published file, the behaviour at the next requests, and the requests so far."""

    body = BODY
    etag: str | None = '"v1"'
    date: str | None = None  # Last-Modified
    ranges = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behaviour: list[str | int] = []  # one for each request; the others get the file
        self.requests: list[dict[str, str]] = []
        self.headers: dict[str, str] = {}  # added to each answer that is an error
        self.released = threading.Event()  # ends requests that hang

    @property
    def address(self) -> str:
        """The URL of its root."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        """Answer a request with the next behaviour."""
        self.server.requests.append({"path": self.path, **dict(self.headers)})
        behaviour = self.server.behaviour.pop(0) if self.server.behaviour else "answer"
        if behaviour == "hang":
            self.server.released.wait(30)
        elif isinstance(behaviour, int):
            self._error(behaviour)
        elif behaviour.startswith("to "):
            self._redirect(behaviour.removeprefix("to "))
        else:
            self._file(behaviour)

    def do_CONNECT(self) -> None:
        """Answer as a proxy that lets nothing through."""
        self.server.requests.append({"path": f"CONNECT {self.path}"})
        self.send_error(403)

    def _error(self, status: int) -> None:
        self.send_response(status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _redirect(self, address: str) -> None:
        self.send_response(302)
        self.send_header("Location", address)
        self.end_headers()

    def _file(self, behaviour: str) -> None:
        """Send the file, or the part that is asked for; cut it if the behaviour says so."""
        body, start = self.server.body, self._start()
        headers = {"Content-Length": len(body) - start}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        headers |= {"ETag": self.server.etag, "Last-Modified": self.server.date}
        match behaviour.split():
            case ["unannounced"]:
                del headers["Content-Length"]
            case ["encoded"]:
                headers["Content-Encoding"] = "gzip"
            case ["elsewhere"]:
                headers["Content-Range"] = f"bytes 0-{len(body) - 1}/{len(body)}"
            case ["more"]:  # a chunk of 5 bytes, and 10 announced
                headers = {"Content-Length": 10, "Transfer-Encoding": "chunked"}
                body, start = b"5\r\nhello\r\n0\r\n\r\n", 0
        self._send(206 if start else 200, headers, body[start:], behaviour)

    def _send(self, status: int, headers: dict[str, Any], body: bytes, behaviour: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if value is not None:
                self.send_header(name, str(value))
        self.end_headers()
        kind, _, number = behaviour.partition(" ")
        self.wfile.write(body[: int(number)] if kind in ("cut", "reset") else body)
        self.wfile.flush()
        if kind == "reset":  # closing with a linger of 0 s resets the connection
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()

    def _start(self) -> int:
        """Return the first byte asked for, if the file is that of the condition (RFC 9110)."""
        asked = self.headers.get("Range", "")
        current = self.headers.get("If-Range") in (self.server.etag, self.server.date)
        if not (asked and current and self.server.ranges):
            return 0
        return int(asked.removeprefix("bytes=").rstrip("-"))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # base class's name
        """Keep the test's output clean."""


@contextmanager
def serving() -> Iterator[Server]:
    """Run a server for the time of a test."""
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=[0.05], daemon=True)
        thread.start()
        yield running
        running.released.set()
        running.shutdown()
