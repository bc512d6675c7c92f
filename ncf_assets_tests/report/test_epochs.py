"""The report shows the chosen and the last epoch of each network."""

from ncf_assets.report import HistoryRow
from ncf_assets.report.epochs import chosen_epoch, epoch_table
from ncf_assets.report.text_table import MISSING
from ncf_assets_tests.report.drawn import HISTORY


def test_the_chosen_epoch_has_the_highest_ndcg_and_the_first_of_equals() -> None:
    """A higher HR does not count, nor does a later epoch that is only as good."""
    again = HistoryRow("gmf", 4, 0.2, 0.5, 0.25, 2.0, 1.0)
    chosen = chosen_epoch([row for row in [*HISTORY, again] if row.model == "gmf"])
    assert chosen is not None
    assert chosen.epoch == 2


def test_the_table_has_the_chosen_epoch_and_the_last() -> None:
    """GMF chose epoch 2 after 0.5 + 2 + 2 s and ended at 3; NeuMF's only epoch is both."""
    found = [(model, epoch, *more[-2:]) for model, epoch, *more in epoch_table(HISTORY).rows]
    assert found == [
        ("GMF", "2 (chosen)", "4.5", "1,500"),
        ("GMF", "3 (last)", "6.5", "1,500"),
        ("NeuMF", "0 (chosen, last)", "1.0", MISSING),
    ]


def test_without_validation_no_epoch_is_chosen() -> None:
    """The last epoch is shown, with dashes for values that were not measured."""
    rows = [HistoryRow("mlp", epoch, 0.5, None, None, 1.0, 10.0) for epoch in (1, 2)]
    assert epoch_table(rows).rows == [["MLP", "2 (last)", "0.500", MISSING, MISSING, "2.0", "10"]]
