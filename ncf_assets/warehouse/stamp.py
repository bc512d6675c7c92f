"""What every table, model and report carries about its origin.

Whether a stamp is out of date is asked in `ncf_assets.freshness`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Self


def now() -> str:
    """The time in UTC, to the second, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True)
class Stamp:
    """Where one partition comes from.

    content: hash of the rows (or weights, or text), whatever the file's encoding
    rows: rows of a table, parameters of a model; 0 where counting makes no sense
    code: version of the code that made it
    inputs: content hash of each upstream partition it was made from; for raw tables `source`,
        the SHA-256 of the source file
    config: the run configuration that changes results
    source: path, size in bytes and mtime in ns of the source file, for raw tables
    run_id: the Dagster run that made it
    written_at: ISO 8601, UTC
    """

    content: str
    rows: int
    code: str
    inputs: Mapping[str, str]
    config: Mapping[str, Any]
    run_id: str
    source: Mapping[str, Any] = field(default_factory=dict)
    written_at: str = field(default_factory=now)

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """From what `to_json` gave."""
        return cls(**value)
