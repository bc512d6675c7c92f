"""Say in plain words what the figures cannot show, in any report and in this one.

What they do show is in `findings`, and how they were made in `method`.
"""

import math
from collections.abc import Iterator

from ncf_assets.ncf.evaluation import segments
from ncf_assets.report.choices import edges
from ncf_assets.report.data import ReportData
from ncf_assets.report.held_out import is_time_split, split_caveats
from ncf_assets.report.protocol import counted, protocols_of
from ncf_assets.report.seeds import caveat

FEW_USERS = 2_000  # chosen: below, intervals of HR@10 are about 0.02 to either side or wider
EASY = 0.5  # chosen: chance alone puts the held-out item on so many lists that HR says little
MANY_TIED = 0.1  # chosen: share of users from which on the arbitrary split matters to readers

SYNTHETIC = (
    "This data is synthetic: a generated sample that shows that the pipeline works. Its figures "
    "say nothing about real people or about how good the models are."
)
SAMPLED = (
    "Figures among random items can reverse the true order of models (Krichene and Rendle 2020). "
    "They are here to compare with published ones; the full ranking decides."
)
TUNING = (
    "Settings are the defaults or those of the configuration above, chosen on validation where the "
    "model says so; a model that was tuned less may be better than it looks here."
)
LABELS = (
    "Each interaction counts alike, with label 1, {}: a model is credited for items that "
    "people chose and then disliked."
)


def caveats(data: ReportData) -> list[str]:
    """Return the caveats of one report; that the data is generated comes first."""
    return list(_caveats(data))


def _caveats(data: ReportData) -> Iterator[str]:
    if data.synthetic:
        yield SYNTHETIC
    yield from _of_this_data(data)
    if any(row.protocol.startswith("sampled") for row in data.metrics):
        yield SAMPLED
    yield from (caveat(data.metrics), TUNING, LABELS.format(_ratings(data)))


def _ratings(data: ReportData) -> str:
    """Say what ratings have to do with labels."""
    if data.profile.get("distinct_ratings") == 1:
        return "as the data has no ratings that differ"
    lowest = data.configuration.get("latest_reviews", {}).get("min_rating")
    return "whatever its rating" if lowest is None else f"whatever its rating from {lowest} on"


def _of_this_data(data: ReportData) -> Iterator[str]:
    for choice in data.choices:
        if choice.model == "ease" and choice.chosen["neighbors"]:
            yield (
                f"There are too many items for all weights of EASE: each item has weights of its"
                f" {choice.chosen['neighbors']} most similar others alone."
            )
    yield from edges(data.choices)
    users = max((row.n_users for row in data.metrics if row.segment == segments.ALL), default=0)
    if 0 < users < FEW_USERS:
        yield (
            f"{counted(users, 'test user')} only: the intervals are wide, and a model that is not "
            "distinguishable here may well be better or worse."
        )
    yield from _long_lists(data)
    yield from split_caveats(data.profile)
    tied = data.profile.get("tied_users", 0.0)
    if tied >= MANY_TIED and not is_time_split(data.profile):
        yield (
            f"Of {100 * tied:.0f} % of the test users the last item is one of several of the same "
            "time (in many files times are whole days). Which of them is held out is decided by a "
            "seeded hash: reproducible, but arbitrary."
        )


def _long_lists(data: ReportData) -> Iterator[str]:
    """Yield from which length on lists say little, as few items are ranked for each user."""
    for protocol in protocols_of(row.protocol for row in data.metrics if row.metric == "hr"):
        others = protocol.negatives
        ranked = data.profile.get("items", math.inf) if others is None else others + 1
        lengths = {row.k for row in data.metrics if row.protocol == protocol.name}
        long = [k for k in sorted(lengths) if k >= EASY * ranked]
        if long and not protocol.corrected:  # corrected figures estimate those among all items
            yield (
                f"Lists of {long[0]} items say little {protocol.among}: chance alone puts the "
                f"held-out item on {100 * min(1, long[0] / ranked):.0f} % of them. Read NDCG, or "
                "rank more items."
            )
