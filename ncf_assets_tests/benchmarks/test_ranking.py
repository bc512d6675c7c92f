"""The benchmark of the exact ranking runs, checks its ranks, and ends with its figures."""

import json
import subprocess
import sys

import pytest

from ncf_assets.warehouse import PROJECT_DATA


@pytest.mark.slow
def test_the_last_line_is_the_figures() -> None:
    """At a hundredth of the users; the ranks are compared with those of `predict` on the way."""
    command = [sys.executable, "-m", "benchmarks.ranking", "--scale", "0.01"]
    done = subprocess.run(
        command, cwd=PROJECT_DATA.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert set(figures) == {"vs_predict", "large_seconds", "large_peak_mb"}
    assert 0 < figures["large_peak_mb"] < 3000
