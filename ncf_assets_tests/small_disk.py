"""A small file system of its own, which can be filled up."""

import gc
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PAGE = 4096  # bytes; what tmpfs hands out


@contextmanager
def small_disk(folder: Path, megabytes: int = 8, *options: str) -> Iterator[Path]:
    """A tmpfs on a folder; the test is skipped where this user may not mount one."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = ",".join([f"size={megabytes}m", *options])
    mount = ["mount", "-t", "tmpfs", "-o", settings, "tmpfs", str(folder)]
    if os.getuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def filled(disk: Path, left: int = 0) -> Iterator[None]:
    """Take all space of a disk but `left` bytes, in whole pages, for the time of the block."""
    gc.collect()  # what a deleted file takes comes free when the last that holds it open is gone
    ballast = disk / "ballast"
    facts = os.statvfs(disk)
    ballast.write_bytes(bytes(facts.f_bavail * facts.f_frsize - left))
    try:
        yield
    finally:
        ballast.unlink()
