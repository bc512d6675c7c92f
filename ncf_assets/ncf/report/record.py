"""What the run left on record: its training epochs and its row counts, as rows of text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ncf_assets.ncf.report.facts import HistoryRow, model_name
from ncf_assets.ncf.report.scores import decimals

COUNT_LABELS = {
    "raw_reviews": "Reviews accepted",
    "rejected_reviews": "Lines rejected",
    "duplicates": "Earlier reviews of the same item by the same user, dropped",
    "users": "Users",
    "items": "Items",
    "interactions": "Interactions",
    "train": "Interactions for training",
    "validation": "Users with a validation item",
    "test": "Users with a test item",
}
MISSING = "–"  # noqa: RUF001  # an en dash, as tables print nothing


@dataclass(frozen=True)
class EpochRow:
    """One epoch that a reader asks for: the chosen or the last of a network, as text."""

    model: str
    epoch: str
    loss: str
    hr: str
    ndcg: str
    seconds: str  # wall time from the first epoch up to and with this one
    examples_per_second: str


def by_model(history: Sequence[HistoryRow]) -> dict[str, list[HistoryRow]]:
    """Return each network's epochs in order, the networks in the order they first appear."""
    models = dict.fromkeys(row.model for row in history)
    ordered = sorted(history, key=lambda row: row.epoch)
    return {model: [row for row in ordered if row.model == model] for model in models}


def chosen_epoch(rows: Sequence[HistoryRow]) -> HistoryRow | None:
    """Return the epoch of highest validation NDCG, the first of equals; None without validation."""
    known = [row for row in rows if row.validation_ndcg_at_10 is not None]
    return max(known, key=lambda row: row.validation_ndcg_at_10 or 0.0, default=None)


def epoch_table(history: Sequence[HistoryRow]) -> list[EpochRow]:
    """Return the chosen and the last epoch of each network, one row where they are the same."""
    return [row for rows in by_model(history).values() for row in _epochs_of(rows)]


def _epochs_of(rows: Sequence[HistoryRow]) -> list[EpochRow]:
    chosen, last = chosen_epoch(rows), rows[-1]
    if chosen is None:
        return [_epoch_row(rows, last, "last")]
    if chosen == last:
        return [_epoch_row(rows, last, "chosen, last")]
    return [_epoch_row(rows, chosen, "chosen"), _epoch_row(rows, last, "last")]


def _epoch_row(rows: Sequence[HistoryRow], row: HistoryRow, which: str) -> EpochRow:
    speed, until = row.examples_per_second, [r.seconds for r in rows if r.epoch <= row.epoch]
    return EpochRow(
        model=model_name(row.model),
        epoch=f"{row.epoch} ({which})",
        loss=_or_missing(row.loss),
        hr=_or_missing(row.validation_hr_at_10),
        ndcg=_or_missing(row.validation_ndcg_at_10),
        seconds=f"{sum(until):,.1f}",
        examples_per_second=MISSING if speed is None else f"{speed:,.0f}",
    )


def _or_missing(value: float | None) -> str:
    return MISSING if value is None else decimals(value)


def count_table(counts: Mapping[str, int]) -> list[tuple[str, str]]:
    """Return what the data looks like as (label, text): known counts first, then derived shares."""
    known = [(label, f"{counts[name]:,}") for name, label in COUNT_LABELS.items() if name in counts]
    others = [(name, f"{n:,}") for name, n in counts.items() if name not in COUNT_LABELS]
    return known + others + _shares(counts)


def _shares(counts: Mapping[str, int]) -> list[tuple[str, str]]:
    users, items, interactions, accepted, rejected = (
        counts.get(name, 0)
        for name in ("users", "items", "interactions", "raw_reviews", "rejected_reviews")
    )
    ratios = [
        ("Density (interactions / (users × items))", interactions, users * items),  # noqa: RUF001
        ("Rejected share of all lines", rejected, accepted + rejected),
    ]
    shares = [(label, f"{100 * part / whole:.3g} %") for label, part, whole in ratios if whole]
    mean = [("Interactions per user, mean", f"{interactions / users:,.1f}")] if users else []
    return shares + mean
