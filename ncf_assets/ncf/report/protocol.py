"""How a metric row's figure was made, as its protocol and k say, and what a guess would get.

The sentences that tell a reader are in `findings` and `method`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import log2

from ncf_assets.ncf.report.facts import MetricRow

SAMPLED = re.compile("sampled-([1-9][0-9]*)")
SEGMENT = "all"


@dataclass(frozen=True)
class Protocol:
    """The held-out item is ranked among `negatives` others, and the first `k` ranks count."""

    negatives: int
    k: int

    @property
    def name(self) -> str:
        """The protocol as the table `metrics` names it."""
        return f"sampled-{self.negatives}"

    @property
    def labels(self) -> Mapping[str, str]:
        """What people call the metrics, by their names in the table."""
        return {"hr": f"HR@{self.k}", "ndcg": f"NDCG@{self.k}"}

    @property
    def candidates(self) -> int:
        """Length of each ranked list: the held-out item and the others."""
        return self.negatives + 1

    @property
    def last_rank(self) -> int:
        """The last rank that counts: k, or the end of a shorter list."""
        return min(self.k, self.candidates)

    def chance(self) -> tuple[float, float]:
        """Return HR and NDCG that a random order expects: every rank of the list equally likely."""
        discounts = sum(discount(rank) for rank in range(1, self.last_rank + 1))
        return self.last_rank / self.candidates, discounts / self.candidates


def discount(rank: int) -> float:
    """Return what NDCG gives for the held-out item at a rank from 1 (Järvelin, Kekäläinen 2002)."""
    return 1 / log2(rank + 1)


def protocol_of(row: MetricRow) -> Protocol | None:
    """Return how a figure was made; None for a part of the users or a list that is not sampled."""
    sampled = SAMPLED.fullmatch(row.protocol)
    return Protocol(int(sampled[1]), row.k) if sampled and row.segment == SEGMENT else None
