"""Divide interactions by one time for all users: train, then validation, then test.

The tables of the splits are selected by these times in `ncf_assets/tables/`.
"""

from datetime import date

import numpy as np

BEFORE_VALIDATION = 0.9  # share of what is before the cut; chosen, as large as the default cut's


def cut_times(times: np.ndarray, cut: float | date) -> tuple[np.datetime64, np.datetime64]:
    """Return the first time of validation, and the first time of test.

    What is before the first is for training. Validation takes the last tenth of what is before the
    cut. Interactions of the same time are never divided, so a part may be larger than its share.

    Args:
        times: of all interactions, datetime64 [n], in any order
        cut: the share of the interactions that is before the test, between 0 and 1; or a day (UTC)

    Raises:
        ValueError: one of the three would have no interactions.

    """
    if not times.size:
        raise ValueError("there are no interactions to cut. Check the filters and the file.")
    ordered = np.sort(times)
    test_from = _time_at(ordered, cut) if isinstance(cut, float) else np.datetime64(cut)
    known = ordered[ordered < test_from]
    if not 0 < known.size < ordered.size:
        raise ValueError(
            f"the cut {cut} leaves {known.size:,} of {ordered.size:,} interactions before it; they"
            f" are from {_day(ordered[0])} to {_day(ordered[-1])}. Set another `cut`."
        )
    validation_from = _time_at(known, BEFORE_VALIDATION)
    if validation_from == known[0]:
        raise ValueError(
            f"the cut {cut} leaves no interactions for training, as most of those before it are of"
            f" one time, {_day(known[0])}. Set a later `cut`."
        )
    return validation_from, test_from


def _time_at(ordered: np.ndarray, share: float) -> np.datetime64:
    """Return the time before which at most this share of the interactions happened."""
    time: np.datetime64 = ordered[int(share * ordered.size)]
    return time


def _day(time: np.datetime64) -> str:
    return str(time)[:10]
