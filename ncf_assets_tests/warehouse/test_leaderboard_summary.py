"""Models are compared over the datasets of a leaderboard, by hand."""

import pandas as pd
import pytest

from ncf_assets.warehouse.leaderboard_summary import summarize

COLUMNS = ["dataset", "model", "protocol", "metric", "k", "value", "verdict"]


def rows(*values: tuple[str, str, int, float, str | None]) -> pd.DataFrame:
    """Return rows of the leaderboard: dataset, model, k, NDCG at k, verdict."""
    complete = [(d, m, "full", "ndcg", k, value, verdict) for d, m, k, value, verdict in values]
    return pd.DataFrame(complete, columns=COLUMNS)


def test_ranks_and_ratios_by_hand() -> None:
    """NeuMF has 4 and 1 times popularity's figure: 2 is the geometric mean. Its ranks are 1 and 2.

    Dataset B has no list of 10, so that of 5 counts, and that of 20 does not.
    """
    found = summarize(
        rows(
            ("A", "neumf", 10, 0.4, None),
            ("A", "popularity", 10, 0.1, "better"),
            ("B", "neumf", 5, 0.2, None),
            ("B", "neumf", 20, 0.9, None),
            ("B", "ials", 5, 0.3, "worse"),
            ("B", "popularity", 5, 0.2, "equal"),
        )
    ).set_index("model")
    assert found["ranks"].to_dict() == {"ials": "1", "neumf": "1 2", "popularity": "2 2"}
    assert found["mean_rank"].to_dict() == {"ials": 1.0, "neumf": 1.5, "popularity": 2.0}
    assert found["times_popularity"].to_dict() == pytest.approx(
        {"ials": 1.5, "neumf": 2.0, "popularity": 1.0}
    )
    verdicts = ["neumf_better", "neumf_equal", "neumf_undecided", "neumf_worse"]
    assert found.loc["popularity", verdicts].tolist() == [1, 1, 0, 0]
    assert found.loc["ials", verdicts].tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize(("popularity", "expected"), [(0.1, 0.0), (0.0, None)])
def test_a_figure_of_zero(popularity: float, expected: float | None) -> None:
    """A model that finds nothing is 0 times popularity; of a popularity of 0 nothing is a part."""
    found = summarize(
        rows(("A", "mlp", 10, 0.0, None), ("A", "popularity", 10, popularity, None))
    ).set_index("model")
    ratio = found.loc["mlp", "times_popularity"]
    assert ratio == expected if expected is not None else pd.isna(ratio)
