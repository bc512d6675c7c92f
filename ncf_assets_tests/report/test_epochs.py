"""The report shows the chosen and the last epoch of each network."""

from ncf_assets.report import HistoryRow
from ncf_assets.report.epochs import by_model, chosen_epoch, epoch_table
from ncf_assets.report.text_table import MISSING
from ncf_assets_tests.report.drawn import HISTORY


def test_the_chosen_epoch_has_the_highest_ndcg_and_the_first_of_equals() -> None:
    """A higher HR does not count, nor does a later epoch that is only as good."""
    again = HistoryRow("gmf", "choose", 4, 0.2, 0.5, 0.25, 2.0, 1.0)
    chosen = chosen_epoch(by_model([*HISTORY, again])["gmf"])
    assert chosen is not None
    assert chosen.epoch == 2


def test_the_table_has_the_chosen_epoch_and_the_last() -> None:
    """GMF chose epoch 2 after 0.5 + 2 + 2 s and ended at 3; NeuMF's only epoch is both.

    The second fit, for which nothing was chosen, is not shown.
    """
    found = [(model, epoch, *more[-2:]) for model, epoch, *more in epoch_table(HISTORY).rows]
    assert found == [
        ("GMF", "2 (chosen)", "4.5", "1,500"),
        ("GMF", "3 (last)", "6.5", "1,500"),
        ("NeuMF", "1 (chosen, last)", "1.0", "900"),
    ]


def test_without_validation_no_epoch_is_chosen() -> None:
    """The last epoch is shown, with dashes for values that were not measured."""
    rows = [HistoryRow("mlp", "choose", epoch, 0.5, None, None, 1.0, 10.0) for epoch in (1, 2)]
    assert epoch_table(rows).rows == [["MLP", "2 (last)", "0.500", MISSING, MISSING, "2.0", "10"]]


def test_the_epochs_of_the_fit_that_chose_are_compared() -> None:
    """GMF was fitted again, to epoch 2; networks are in the order of their first rows."""
    found = by_model(list(reversed(HISTORY)))
    assert {model: [row.epoch for row in rows] for model, rows in found.items()} == {
        "neumf": [1],
        "gmf": [0, 1, 2, 3],
    }
    assert {row.fit for row in found["gmf"]} == {"choose"}
