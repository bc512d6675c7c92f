"""What TF_CONFIG says; training by two processes is tried in `assets/test_teamwork`."""

import json

import pytest

from ncf_assets.ncf.team import place

WORKERS = ["host1:5000", "host2:5000", "host3:5000"]


def config(index: int, kind: str = "worker") -> str:
    """As TensorFlow describes it."""
    return json.dumps({"cluster": {"worker": WORKERS}, "task": {"type": kind, "index": index}})


def test_a_place_is_how_many_and_which() -> None:
    """The second of three."""
    assert place(config(1)) == (3, 1)


@pytest.mark.parametrize(
    "wrong", ["", "3", "{}", "nonsense", config(3), config(-1), config(0, "chief"), config(0, "ps")]
)
def test_what_says_no_place_is_refused(wrong: str) -> None:
    """Not JSON, no list of workers, none of them, or a role that there is not here."""
    with pytest.raises(ValueError, match=r"TF_CONFIG is JSON such as .*; correct or unset it"):
        place(wrong)
