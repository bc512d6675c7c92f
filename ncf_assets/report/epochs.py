"""Pick the epochs that the report shows: the chosen and the last one of each network.

Their curves are drawn in `training_plot`.
"""

from collections.abc import Sequence

from ncf_assets.report.data import HistoryRow, model_name
from ncf_assets.report.text_table import MISSING, TextTable

HEADS = (
    "Network",
    "Epoch",
    "Loss",
    "Validation HR@10",
    "Validation NDCG@10",
    "Time so far (s)",  # wall time from the first epoch to the end of this one
    "Examples per second",
)


def by_model(history: Sequence[HistoryRow]) -> dict[str, list[HistoryRow]]:
    """Return each network's epochs of the fit that chose among them, in order.

    The networks are in the order they first appear.
    """
    models = dict.fromkeys(row.model for row in history)
    ordered = sorted((row for row in history if row.fit == "choose"), key=lambda row: row.epoch)
    return {model: [row for row in ordered if row.model == model] for model in models}


def chosen_epoch(rows: Sequence[HistoryRow]) -> HistoryRow | None:
    """Return the epoch of highest validation NDCG, the first of equals; None without validation."""
    known = [row for row in rows if row.validation_ndcg_at_10 is not None]
    return max(known, key=lambda row: row.validation_ndcg_at_10 or 0.0, default=None)


def epoch_table(history: Sequence[HistoryRow]) -> TextTable:
    """Return the chosen and the last epoch of each network, one row where they are the same."""
    rows = [row for rows in by_model(history).values() for row in _epochs_of(rows)]
    return TextTable(HEADS, rows, names=2)


def _epochs_of(rows: Sequence[HistoryRow]) -> list[list[str]]:
    chosen, last = chosen_epoch(rows), rows[-1]
    if chosen is None:
        return [_epoch_row(rows, last, "last")]
    if chosen == last:
        return [_epoch_row(rows, last, "chosen, last")]
    return [_epoch_row(rows, chosen, "chosen"), _epoch_row(rows, last, "last")]


def _epoch_row(rows: Sequence[HistoryRow], row: HistoryRow, which: str) -> list[str]:
    figures = (row.loss, row.validation_hr_at_10, row.validation_ndcg_at_10)
    speed, until = row.examples_per_second, [r.seconds for r in rows if r.epoch <= row.epoch]
    return [
        model_name(row.model),
        f"{row.epoch} ({which})",
        *(MISSING if figure is None else f"{figure:.3f}" for figure in figures),
        f"{sum(until):,.1f}",
        MISSING if speed is None else f"{speed:,.0f}",
    ]
