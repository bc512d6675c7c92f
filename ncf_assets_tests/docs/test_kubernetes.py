"""The example of docs/scaling.md for Kubernetes, as far as it goes without a cluster."""

import runpy
import subprocess
from importlib.util import find_spec
from pathlib import Path

import dagster as dg
import pytest

from ncf_assets_tests.cli.commands import BIN, environment, tiny_folder
from ncf_assets_tests.paths import ROOT

EXAMPLE = ROOT / "docs" / "on_kubernetes.py"
MISSING = find_spec("dagster_k8s") is None


@pytest.mark.process
@pytest.mark.skipif(MISSING, reason="no dagster-k8s: pip install dagster-k8s")
def test_each_step_is_a_job_of_kubernetes(tmp_path: Path) -> None:
    """Dagster takes the file as a code location, and its jobs have that executor."""
    words = [BIN / "dagster", "definitions", "validate", "-f", EXAMPLE]
    done = subprocess.run(
        words, env=environment(tiny_folder(tmp_path)), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    job = runpy.run_path(str(EXAMPLE))["defs"]().resolve_job_def("everything")
    assert job.executor_def.name == "kubernetes"
    dg.validate_run_config(job, {"ops": {"seed_ranks": {"config": {"seeds": 1}}}})
