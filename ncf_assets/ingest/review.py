"""Decide whether the four values of one line are a review, whatever the file's format.

A line is parsed into its values in `ncf_assets.ingest.formats`. The rules of a complete table are
in `ncf_assets/checks`.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import isfinite
from typing import NamedTuple, Self

FIRST_DAY = date(1995, 1, 1)  # chosen: Amazon opened in July 1995
MICROS = 1_000_000  # per second
_SHOWN = 20  # digits of a wrong number that a reason repeats; chosen: more than any time has
_UNITS = {1: "seconds", 1000: "milliseconds"}


class Review(NamedTuple):
    """One accepted line: the file's ids, its rating, microseconds since 1970-01-01 UTC."""

    user_id: str
    item_id: str
    rating: float
    timestamp: int


@dataclass(frozen=True, slots=True)
class Rules:
    """The valid values of one file: its names for the four values, and its valid times."""

    names: tuple[str, ...]  # what the file calls user, item, rating and time
    ticks: int  # per second: 1 or 1000
    first: int  # the first tick that is valid
    end: int  # the first tick after `first` that is not

    @classmethod
    def of(cls, names: tuple[str, ...], ticks: int, today: date) -> Self:
        """Return the rules for times from `FIRST_DAY` to the end of the day after `today`, UTC."""
        end = today + timedelta(days=2)
        return cls(names, ticks, epoch_seconds(FIRST_DAY) * ticks, epoch_seconds(end) * ticks)

    def review(self, user_id: str, item_id: str, rating: float, time: int) -> Review | str:
        """Return the review, its time in microseconds, or the first rule that the values break."""
        if (
            self.first <= time < self.end
            and isfinite(rating)
            and user_id.strip()
            and item_id.strip()
        ):
            return Review(user_id, item_id, rating, time * (MICROS // self.ticks))
        return self._broken_rule(user_id, item_id, rating, time)

    def _broken_rule(self, user_id: str, item_id: str, rating: float, time: int) -> str:
        if not user_id.strip():
            return f"empty `{self.names[0]}`"
        if not item_id.strip():
            return f"empty `{self.names[1]}`"
        if not isfinite(rating):
            return f"`{self.names[2]}` is {rating}, not a finite number"
        shown = str(time) if len(str(time)) <= _SHOWN else f"{str(time)[:_SHOWN]}…"
        return (
            f"time {shown} is not in {_UNITS[self.ticks]} between {FIRST_DAY} and tomorrow"
            f"{self._hint(time)}"
        )

    def _hint(self, time: int) -> str:
        """Return the name of the other unit if the time would be valid in it."""
        other = 1000 // self.ticks
        return f" ({_UNITS[other]}?)" if self.first <= time * self.ticks // other < self.end else ""


def epoch_seconds(day: date) -> int:
    """Return the seconds from 1970-01-01 to the start of `day`, UTC."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
