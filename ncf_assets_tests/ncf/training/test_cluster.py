"""TF_CONFIG is read as TensorFlow defines it.

Training by two processes is tested in `orchestration/test_distributed`.
"""

import json

import pytest

from ncf_assets.ncf.training.cluster import check_workers, parse_tf_config

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


def test_a_cloud_with_a_chief_is_told_what_to_do() -> None:
    """As clouds set it for one machine, and for several, where this process is a worker."""
    chief = {"cluster": {"chief": ["a:2222"]}, "task": {"type": "chief", "index": 0}}
    with pytest.raises(ValueError, match=r"found chief\. List all .* or unset TF_CONFIG to train"):
        parse_tf_config(json.dumps(chief))
    several = {"cluster": {"chief": ["a:1"], "ps": ["b:1"], "worker": ["c:1"]}}
    several |= {"task": {"type": "worker", "index": 0}}
    with pytest.raises(ValueError, match=r"must be a worker, found chief and ps\. List all"):
        parse_tf_config(json.dumps(several))


def test_a_worker_that_cannot_be_found_is_told() -> None:
    """Its name does not resolve, or it has no port; TensorFlow would wait for it for ever."""
    for address in ("nowhere.invalid:5000", "127.0.0.1", "127.0.0.1:port"):
        workers = {"cluster": {"worker": ["127.0.0.1:5000", address]}}
        with pytest.raises(ValueError, match=rf"names resolve, found {address} \(.*\)\. Correct"):
            check_workers(json.dumps(workers))
    check_workers(json.dumps({"cluster": {"worker": ["localhost:5000", "127.0.0.1:5001"]}}))
