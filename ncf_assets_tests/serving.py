"""Servers that a test starts: a port for one, and waiting until it answers."""

import socket
import time
from pathlib import Path

import pytest
import requests


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_served(url: str, log: Path, seconds: float) -> None:
    """Return when the server answers; fail with its log if it does not."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            requests.get(url, timeout=5).raise_for_status()
        except requests.RequestException:
            time.sleep(0.5)
        else:
            return
    pytest.fail(f"no answer from {url} in {seconds} s:\n{log.read_text()}")
