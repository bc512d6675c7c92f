"""What each asset reads, and which of it is its direct upstream.

What an asset reads is in its provenance and its metadata. Dagster is told the direct upstream
alone, so that its graph can be read: what is upstream of another input needs no edge of its own.
"""

from collections.abc import Collection, Iterable, Mapping
from functools import cache

READS, SOURCE_FILE = "reads", "source_file"


def direct_upstream(reads: Mapping[str, Collection[str]]) -> dict[str, tuple[str, ...]]:
    """Return for each asset what it reads, except what is upstream of something else it reads."""

    @cache
    def upstream(asset: str) -> frozenset[str]:
        of = reads.get(asset, ())
        return frozenset(of).union(*map(upstream, of))

    return {
        asset: tuple(sorted(set(of).difference(*map(upstream, of)))) for asset, of in reads.items()
    }


def reads_metadata(reads: Iterable[str]) -> dict[str, str]:
    """Return what the UI says of all that an asset reads; `reads_of` reads it back."""
    return {READS: ", ".join(sorted(reads)) or SOURCE_FILE}


def reads_of(metadata: Mapping[str, object]) -> tuple[str, ...]:
    """Return the assets that an asset reads, by its metadata."""
    text = str(metadata[READS])
    return () if text == SOURCE_FILE else tuple(text.split(", "))
