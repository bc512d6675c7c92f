"""Which name was meant, for the messages that refuse an unknown one."""

import difflib
from collections.abc import Sequence

NEAR = 0.7  # difflib's likeness of two names, of which Foo and Books have a half; chosen


def suggestion(name: str, known: Sequence[str]) -> str:
    """Return a hint at the name that was meant if one is near, else at all that there are.

    A name is near one that goes on after it, as `neumf` is near `neumf_model`.
    """
    by_case, given = {one.casefold(): one for one in known}, name.casefold()
    longer = sorted((one for one in by_case if one.startswith(f"{given}_")), key=len)
    nearest = difflib.get_close_matches(given, by_case, 1, NEAR) or longer
    return f"Did you mean {by_case[nearest[0]]}?" if nearest else f"There are: {', '.join(known)}."
