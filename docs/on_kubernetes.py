"""The code location with a Kubernetes job for each step, by Dagster's own executor.

Put this file into the image that runs Dagster's code server, and load it with `dagster code-server
start -f on_kubernetes.py`. The data are in an object store, as the pods share no folder; `store` is
a secret with NCF_DATA_DIR and the store's keys. The K8sRunLauncher, which Dagster's Helm chart sets
up, launches the runs.
"""

import dagster as dg
from dagster_k8s import k8s_job_executor

from ncf_assets.definitions import build_defs

EXECUTOR = k8s_job_executor.configured(
    {
        "max_concurrent": 4,  # steps of a run, each in a pod
        "env_secrets": ["store"],
        "step_k8s_config": {
            "container_config": {"resources": {"requests": {"cpu": "2", "memory": "8Gi"}}},
            "job_spec_config": {"ttl_seconds_after_finished": 3600},
        },
    },
    name="kubernetes",
)


@dg.definitions
def defs() -> dg.Definitions:
    """Return what Dagster's processes load."""
    return build_defs(executor=EXECUTOR)
