"""A protocol knows its names, and which list length is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncf_assets.report.protocol import (
    Protocol,
    counted,
    label,
    protocol_of,
    protocols_of,
)


@given(st.integers(1, 9_999), st.booleans())
def test_a_name_gives_back_its_protocol(negatives: int, corrected: bool) -> None:
    """The name of a protocol in the table is enough to parse it again."""
    for protocol in (Protocol(negatives, corrected), Protocol()):
        assert protocol_of(protocol.name) == protocol


@pytest.mark.parametrize("name", ["sampled-", "sampled-0", "sampled-99x", "not-sampled-9", "all"])
def test_other_names_are_no_protocol(name: str) -> None:
    """A name without a valid number is not guessed."""
    assert protocol_of(name) is None


def test_the_full_ranking_comes_first_and_corrections_last() -> None:
    """The order of the rows does not matter."""
    names = ["sampled-99-corrected", "sampled-99", "full", "sampled-9", "unknown"]
    found = [protocol.name for protocol in protocols_of(names)]
    assert found == ["full", "sampled-9", "sampled-99", "sampled-99-corrected"]


def test_a_metric_of_entire_lists_has_no_k() -> None:
    """The labels are as people write them."""
    assert [label("hr", 10), label("auc", 0)] == ["HR@10", "AUC"]


def test_one_of_a_thing_has_no_plural() -> None:
    """The text has one user, or many users."""
    assert [counted(n, "user") for n in (1, 0, 1_234)] == ["1 user", "0 users", "1,234 users"]
