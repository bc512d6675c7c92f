"""Tables of all models side by side, by hand."""

import pandas as pd

from ncf_assets.cli.show import compared_models
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


def of_one(dataset: str) -> pd.DataFrame:
    """The rows of one dataset."""
    return ROWS[ROWS["dataset"] == dataset].drop(columns="dataset")


def test_a_dataset_has_the_k_nearest_to_10_and_the_best_model_first() -> None:
    """One that was evaluated at 5 alone is not left out; estimated figures and MRR are."""
    assert metrics_table(of_one("A")).to_dict("list") == {
        "model": ["neumf", "ials"],
        "NDCG@10 full": [0.3, 0.2],
    }
    assert metrics_table(of_one("B")).to_dict("list") == {
        "model": ["ials", "neumf"],
        "NDCG@5 full": [0.5, 0.4],
    }


def test_a_terminal_shows_them_below_the_name_of_the_dataset() -> None:
    """With three decimals."""
    shown = compared_models(of_one("A"), "A")
    assert shown.title == "A"
    assert [list(column.cells) for column in shown.columns] == [
        ["neumf", "ials"],
        ["0.300", "0.200"],
    ]
