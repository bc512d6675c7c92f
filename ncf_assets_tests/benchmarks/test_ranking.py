"""The benchmark of the exact ranking runs, checks its ranks, and ends with its figures."""

import json
import subprocess
import sys

import pytest

from ncf_assets_tests.paths import ROOT


@pytest.mark.acceptance
def test_the_last_line_is_the_figures() -> None:
    """It runs at a hundredth of the users, and compares the ranks with those of `predict`."""
    command = [sys.executable, "-m", "benchmarks.ranking", "--scale", "0.01"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert set(figures) == {"vs_predict", "large_seconds", "large_peak_mb"}
    assert 0 < figures["large_peak_mb"] < 3000
