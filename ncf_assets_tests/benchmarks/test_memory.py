"""The table stages keep within a limit of memory that the kernel enforces."""

import json
import subprocess
import sys

import pytest

from ncf_assets_tests.paths import ROOT


@pytest.mark.acceptance
def test_the_tables_are_made_within_a_limit() -> None:
    """A thirtieth of the 1.7 million reviews fits 1 GB, of which libraries take a half."""
    command = [sys.executable, "-m", "benchmarks.memory", "--reviews", "57000", "--limit-gb", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert set(figures) == {"reviews", "limit_gb", "seconds", "peak_mb"}
    assert 0 < figures["peak_mb"] < 1000
