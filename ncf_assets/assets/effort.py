"""What a step has cost, as the Dagster UI charts it."""

import resource
import sys
import time
from dataclasses import dataclass, field

KILOBYTE = 1 if sys.platform == "darwin" else 1024  # the unit of ru_maxrss


@dataclass(frozen=True)
class Effort:
    """Measures from when it is made."""

    started: float = field(default_factory=time.monotonic)

    def so_far(self) -> dict[str, float]:
        """Seconds, and the most memory that the run's process has had so far."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KILOBYTE
        return {
            "seconds": round(time.monotonic() - self.started, 2),
            "peak memory of the run so far (MB)": round(peak / 1e6),
        }
