"""Parse the names of ranking protocols, and name and format the figures of each.

A protocol defines what the held-out item is ranked among. `findings` and `method` explain it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

SAMPLED = re.compile(r"sampled-(?P<negatives>[1-9][0-9]*)(?P<corrected>-corrected)?")
FULL = "full"
LABELS = {
    "hr": "HR",
    "ndcg": "NDCG",
    "mrr": "MRR",
    "auc": "AUC",
    "recall": "Recall",
    "precision": "Precision",
    "map": "MAP",
}


@dataclass(frozen=True)
class Protocol:
    """The held-out item is ranked among `negatives` random others, or among all if None.

    `corrected` figures are estimates of the full ones from the sampled ranks.
    """

    negatives: int | None = None
    corrected: bool = False

    @property
    def name(self) -> str:
        """The protocol as the tables name it."""
        if self.negatives is None:
            return FULL
        return f"sampled-{self.negatives}" + ("-corrected" if self.corrected else "")

    @property
    def among(self) -> str:
        """The items that the held-out item competes with, in words."""
        if self.negatives is None:
            return "among all unseen items"
        return f"among {counted(self.negatives, 'random item')}" + (
            ", corrected" if self.corrected else ""
        )

    @property
    def decimals(self) -> int:
        """The number of decimals shown: figures among all items are small."""
        return 4 if self.negatives is None or self.corrected else 3

    def shown(self, value: float) -> str:
        """Return a figure between 0 and 1 as it is printed: `0.631`."""
        return f"{value:.{self.decimals}f}"


def protocol_of(name: str) -> Protocol | None:
    """Return the protocol that a table's row names; None for an unknown name."""
    if name == FULL:
        return Protocol()
    found = SAMPLED.fullmatch(name)
    return Protocol(int(found["negatives"]), bool(found["corrected"])) if found else None


def protocols_of(names: Iterable[str]) -> list[Protocol]:
    """Return the protocols with these names, the full one first, corrected ones last."""
    known = {protocol for name in names if (protocol := protocol_of(name))}
    return sorted(known, key=lambda one: (one.corrected, one.negatives or 0))


def label(metric: str, k: int) -> str:
    """Return what people call a metric: `HR@10`, `AUC`."""
    return LABELS.get(metric, metric) + (f"@{k}" if k else "")


def counted(number: int, noun: str) -> str:
    """Return a number with what it counts, an `s` unless it is one: `1 item`, `1,234 items`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
