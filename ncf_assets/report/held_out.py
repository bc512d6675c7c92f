"""Say what is held out, by the row of `data_profile`, and what that cannot show."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from ncf_assets.report.protocol import counted

TIME_SPLIT = "time_split"  # of data_profile.split
LEAVE_ONE_OUT = (
    "Split: leave one out by time. A user's last item is for testing, the second last for "
    "validation, the rest for training; users with fewer than three items only train."
)
ALL_USERS = (
    "Split: one cut for all users. What is before {} is for training, and what is from then on to "
    "{} for validation. From there on, {} is tested. So nothing is learnt from what happened later "
    "than what is predicted."
)
TARGETS = {
    "first": "each user's first item",
    "last": "each user's last item",
    "all": "everything",
}
FUTURE = (
    "Leave-one-out lets models learn from other users' future: of what the evaluated models were "
    "fitted to, {:.0f} % is later than the test item, on average. A time split (`split` in "
    "datasets.toml) has no such interactions, and can rank models otherwise."
)
ONE_CUT = (
    "One cut in time is one sample of what comes next: another cut would test other items. Only "
    "users who did something after it are tested."
)


def is_time_split(profile: Mapping[str, Any]) -> bool:
    """Return whether all users have the same cut."""
    return profile.get("split") == TIME_SPLIT


def several(profile: Mapping[str, Any]) -> bool:
    """Return whether users may have several held-out items."""
    return is_time_split(profile) and profile["targets"] == "all"


def split_sentence(profile: Mapping[str, Any]) -> str:
    """Return how the interactions are divided."""
    if not is_time_split(profile):
        return LEAVE_ONE_OUT
    times = (_time(profile[name]) for name in ("validation_from", "test_from"))
    return ALL_USERS.format(*times, TARGETS[profile["targets"]])


def held_out_items(profile: Mapping[str, Any]) -> str:
    """Return how many items the test users have, as a sentence goes on after their number."""
    return f"with {'one or more held-out items' if several(profile) else 'one held-out item'} each"


def new_users(profile: Mapping[str, Any]) -> Iterator[str]:
    """Yield that some test users are not in the figures, if it is so."""
    if profile.get("new_test_users"):
        found = counted(profile["new_test_users"], "user")
        yield (
            f"Not among them, but a segment of their own: {found} without any interaction before"
            " the cut, of whom no model knows anything."
        )


def split_caveats(profile: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the split cannot show."""
    if is_time_split(profile):
        yield ONE_CUT
    elif profile.get("later_known"):
        yield FUTURE.format(100 * profile["later_known"])


def _time(time: datetime) -> str:
    """Return a time, without its clock at midnight."""
    return f"{time:%Y-%m-%d %H:%M:%S}".removesuffix(" 00:00:00")
