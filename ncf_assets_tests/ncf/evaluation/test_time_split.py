"""A time split cuts where a count by hand says."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncf_assets.ncf.evaluation.time_split import cut_times

DAYS = np.arange("2014-01-01", "2014-01-21", dtype="datetime64[D]").astype("datetime64[us]")


def day(n: int) -> np.datetime64:
    """Return the nth day of January 2014."""
    return np.datetime64(f"2014-01-{n:02}")


def test_twenty_days_by_hand() -> None:
    """Of 20, nine tenths are 18, so test begins with the 19th. Of 18 they are 16, so 17."""
    assert cut_times(DAYS, 0.9) == (day(17), day(19))
    assert cut_times(DAYS[::-1], 0.9) == (day(17), day(19))


def test_a_day_is_its_first_moment() -> None:
    """With 11 January as the cut there are 10 before it, of which validation has the last."""
    assert cut_times(DAYS, date(2014, 1, 11)) == (day(10), day(11))


def test_what_happens_at_one_time_is_not_divided() -> None:
    """Most are of 5 January, and the half falls on that day: test has all of them."""
    times = np.concatenate([DAYS[:2], np.repeat(DAYS[4], 8)])
    with pytest.raises(ValueError, match="leaves no interactions for training"):
        cut_times(times[1:], 0.5)
    times = np.concatenate([DAYS[:3], np.repeat(DAYS[4], 7)])
    assert cut_times(times, 0.5) == (day(3), day(5))


def test_nothing_to_cut_is_refused() -> None:
    """There are no times, as filters may leave none."""
    with pytest.raises(ValueError, match=r"there are no interactions to cut\. Check"):
        cut_times(np.array([], "datetime64[us]"), 0.8)


def test_a_cut_outside_of_the_data_is_refused() -> None:
    """The message has the first and the last day."""
    message = (
        r"the cut 2013-01-01 leaves 0 of 20 interactions before it; they are from 2014-01-01 to"
        r" 2014-01-20\. Set another `cut`"
    )
    with pytest.raises(ValueError, match=message):
        cut_times(DAYS, date(2013, 1, 1))
    with pytest.raises(ValueError, match="leaves 20 of 20 interactions before it"):
        cut_times(DAYS, date(2015, 1, 1))


@given(st.sets(st.integers(0, 10**6), min_size=12), st.floats(0.3, 0.95))
def test_of_distinct_times_the_parts_have_their_shares(seconds: set[int], share: float) -> None:
    """What is before the cut is less than one interaction short of its share, and not over it."""
    times = np.array(sorted(seconds)).astype("datetime64[s]")
    validation_from, test_from = cut_times(times, share)
    known = (times < test_from).sum()
    assert share * times.size - 1 < known <= share * times.size
    assert 0.9 * known - 1 < (times < validation_from).sum() <= 0.9 * known
