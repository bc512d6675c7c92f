"""Add up the metrics of users, a block of them at a time.

What is kept does not grow with the number of users; all rows of `summary` follow from it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from ncf_assets.ncf.evaluation.intervals import JointMoments, SeededMoments
from ncf_assets.ncf.evaluation.segments import ALL
from ncf_assets.ncf.evaluation.user_metrics import Columns, UserMetrics

COMPARED = ("hr", "ndcg")


class Totals:
    """Moments of the metrics of the users so far.

    `figures` are those of [models, columns] by protocol and segment. `differences` are those of
    the subject less each other model, over all users, by length of list; `compared` says of what.
    `columns` and `estimated` are what `UserMetrics` say, by protocol.

    Args:
        trainings: the model and the seed of each axis of the metrics, of which a model has one, or
            as many as any other that has several
        subject: the model that is compared

    """

    def __init__(self, trainings: Sequence[tuple[str, int]], subject: str) -> None:
        self.axes: dict[str, list[int]] = {}
        for axis, (model, _) in enumerate(trainings):
            self.axes.setdefault(model, []).append(axis)
        self.n_seeds = max(len(own) for own in self.axes.values())
        self.columns: dict[str, Columns] = {}
        self.estimated: dict[str, bool] = {}
        self.figures: defaultdict[tuple[str, str], SeededMoments] = defaultdict(SeededMoments)
        self.differences: defaultdict[int, SeededMoments] = defaultdict(
            lambda: SeededMoments(JointMoments())
        )
        # one seed of a model stands beside each of another's: [seeds, models]
        self._by_seed = np.transpose(
            [own * (self.n_seeds // len(own)) for own in self.axes.values()]
        )
        self._models = list(self.axes)
        self._subject = self._models.index(subject)
        self._others = [i for i in range(len(self._models)) if i != self._subject]

    def add(self, block: Mapping[str, UserMetrics], members: Mapping[str, np.ndarray]) -> None:
        """Add the metrics of some users by protocol; members bool [b] say who is in a segment."""
        for protocol, found in block.items():
            self.columns[protocol], self.estimated[protocol] = found.columns, found.estimated
        by_seed = {p: found.values[:, self._by_seed] for p, found in block.items()}
        for segment, mask in members.items():
            for protocol, values in by_seed.items():  # [b, seeds, models, columns]
                self.figures[protocol, segment].add(values[mask])
        if self._others:
            self._add_differences({p: values[members[ALL]] for p, values in by_seed.items()})

    def _add_differences(self, by_seed: Mapping[str, np.ndarray]) -> None:
        """Add the subject less each other model, at each length of list."""
        with threadpool_limits(1, user_api="blas"):  # 20 times as fast where cores are shared
            for k in sorted({k for columns in self.columns.values() for _, k in columns}):
                found = []
                for protocol, values in by_seed.items():
                    chosen = values[..., self._compared_columns(protocol, k)]
                    differences = chosen[:, :, [self._subject]] - chosen[:, :, self._others]
                    found.append(differences.reshape(*differences.shape[:2], -1))
                joined = np.concatenate(found, axis=2)  # [b, seeds, m]
                if joined.shape[2]:
                    self.differences[k].add(joined)

    def compared(self, k: int) -> list[tuple[str, int, int]]:
        """Return of what the differences at k are: protocol, number of model and of column."""
        return [
            (protocol, model, column)
            for protocol in self.columns
            for model in self._others
            for column in self._compared_columns(protocol, k)
        ]

    def _compared_columns(self, protocol: str, k: int) -> list[int]:
        """Return the numbers of a protocol's columns that are compared; estimates have none."""
        if self.estimated[protocol]:
            return []
        columns = enumerate(self.columns[protocol])
        return [c for c, (metric, length) in columns if metric in COMPARED and length == k]
