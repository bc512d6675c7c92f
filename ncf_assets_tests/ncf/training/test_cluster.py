"""TF_CONFIG is read as TensorFlow defines it.

Training by two processes is tested in `orchestration/test_distributed`.
"""

import json

import pytest

from ncf_assets.ncf.training.cluster import parse_tf_config

WORKERS = ["host1:5000", "host2:5000", "host3:5000"]


def config(index: int, kind: str = "worker") -> str:
    """Return a TF_CONFIG as TensorFlow describes it."""
    return json.dumps({"cluster": {"worker": WORKERS}, "task": {"type": kind, "index": index}})


def test_tf_config_gives_the_number_of_workers_and_the_index() -> None:
    """The config is that of the second of three workers."""
    assert parse_tf_config(config(1)) == (3, 1)


@pytest.mark.parametrize(
    "wrong", ["", "3", "{}", "nonsense", config(3), config(-1), config(0, "chief"), config(0, "ps")]
)
def test_a_tf_config_without_a_valid_task_is_refused(wrong: str) -> None:
    """The text is not JSON, or has no list of workers.

    Or it names a worker that is not listed, or a role that does not exist here.
    """
    with pytest.raises(
        ValueError, match=r"TF_CONFIG must be JSON such as .*\. Correct or unset it\."
    ):
        parse_tf_config(wrong)
