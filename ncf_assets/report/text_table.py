"""Define a table of text, which the templates arrange in HTML and in Markdown.

The modules that format figures fill it, such as `scores`, `epochs` and `profile`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

MISSING = "–"  # noqa: RUF001  # an en dash, as printed tables have for a missing value


@dataclass(frozen=True)
class TextTable:
    """Heads and rows of one length; the first `names` columns are text, the others figures."""

    heads: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    names: int = 1

    def __bool__(self) -> bool:
        """Return whether there is anything to show."""
        return bool(self.rows)
