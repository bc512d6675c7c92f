"""A table as text, which the templates arrange in HTML and in Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass

MISSING = "–"  # noqa: RUF001  # an en dash, as tables print nothing


@dataclass(frozen=True)
class TextTable:
    """Heads and rows of one length; the first `names` columns are text, the others figures."""

    heads: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    names: int = 1

    def __bool__(self) -> bool:
        """Whether there is anything to show."""
        return bool(self.rows)
