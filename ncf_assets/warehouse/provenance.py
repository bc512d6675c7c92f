"""Define what every table, model and report records about its origin.

Whether a partition is out of date is decided in `ncf_assets.orchestration.staleness`. The chain of
inputs is followed in `ncf_assets.warehouse.lineage`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Self


def now() -> str:
    """Return the time in UTC, to the second, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True)
class Provenance:
    """The origin of one partition.

    content_hash: hash of the rows (or weights, or text), whatever the file's encoding is
    rows: rows of a table, parameters of a model; 0 if there is nothing to count
    code_version: version of the code that made it
    input_hashes: content hash of each upstream partition that it was made from; for raw tables
        `source`, the SHA-256 of the source file
    config: the run configuration that changes results
    source: path, size in bytes and mtime in ns of the source file, for raw tables
    run_id: the Dagster run that made it
    written_at: ISO 8601, UTC
    """

    content_hash: str
    rows: int
    code_version: str
    input_hashes: Mapping[str, str]
    config: Mapping[str, Any]
    run_id: str
    source: Mapping[str, Any] = field(default_factory=dict)
    written_at: str = field(default_factory=now)

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a JSON object."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Return the provenance that `to_json` has written."""
        return cls(**value)
