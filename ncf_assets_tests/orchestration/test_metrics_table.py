"""Tables of all models side by side, by hand."""

import pandas as pd

from ncf_assets.cli.leaderboard import _table
from ncf_assets.orchestration.metrics_table import metrics_table

COLUMNS = ["dataset", "model", "protocol", "metric", "k", "value"]
ROWS = pd.DataFrame(
    [
        ("A", "ials", "full", "ndcg", 5, 0.1),
        ("A", "ials", "full", "ndcg", 10, 0.2),
        ("A", "neumf", "full", "ndcg", 10, 0.3),
        ("A", "neumf", "sampled-99-corrected", "ndcg", 10, 0.9),
        ("A", "neumf", "full", "mrr", 10, 0.9),
        ("B", "ials", "full", "ndcg", 5, 0.5),
        ("B", "neumf", "full", "ndcg", 5, 0.4),
    ],
    columns=COLUMNS,
)


def test_each_dataset_has_the_k_nearest_to_10() -> None:
    """One that was evaluated at 5 alone is not left out."""
    found = metrics_table(ROWS, ["dataset", "model"], " ")
    assert found["NDCG@10 full"].dropna().to_dict() == {("A", "ials"): 0.2, ("A", "neumf"): 0.3}
    assert found["NDCG@5 full"].dropna().to_dict() == {("B", "ials"): 0.5, ("B", "neumf"): 0.4}


def test_the_models_of_one_dataset_have_one_k() -> None:
    """No column for the dataset is needed."""
    found = metrics_table(ROWS.query("dataset == 'A'"), ["model"], " ")
    assert found.to_dict() == {"NDCG@10 full": {"ials": 0.2, "neumf": 0.3}}


def test_the_leaderboard_has_the_best_model_of_each_dataset_first() -> None:
    """Whichever k the dataset has; what it does not have is left empty."""
    shown = _table(ROWS)
    assert [list(column.cells) for column in shown.columns] == [
        ["A", "A", "B", "B"],
        ["neumf", "ials", "ials", "neumf"],
        ["0.3000", "0.2000", "", ""],
        ["", "", "0.5000", "0.4000"],
    ]
