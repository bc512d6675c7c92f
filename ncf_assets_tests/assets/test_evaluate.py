"""The run configuration of the evaluation."""

import pytest
from pydantic import ValidationError

from ncf_assets.assets.evaluate import EvaluationConfig


@pytest.mark.parametrize("ks", [[0], [1, 1001], [5, 5], []])
def test_lengths_out_of_range_or_given_twice_are_refused(ks: list[int]) -> None:
    """Before anything is read."""
    with pytest.raises(ValidationError, match=r"1 to 1000, each given once|at least 1 item"):
        EvaluationConfig(ks=ks)
