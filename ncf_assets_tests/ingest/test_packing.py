"""Whole files: any packing, and errors that name the byte and the remedy."""

import bz2
import gzip
import hashlib
import lzma
import os
import random
import tempfile
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncf_assets.ingest import packing
from ncf_assets.ingest.packing import SourceError, blocks, fingerprint

CONTENT = b"".join(b"%d lines\n" % n for n in range(1000))
PACKED = gzip.compress(CONTENT, mtime=0)


def unpacked(path: Path, limit: int = 10**9) -> bytes:
    """All blocks together."""
    return b"".join(blocks(path, limit))


def written(folder: Path, content: bytes) -> Path:
    """A file whose name says gzip, whatever is in it."""
    path = folder / "reviews.json.gz"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("content", [CONTENT, PACKED])
def test_packing_is_seen_in_the_bytes_not_in_the_name(tmp_path: Path, content: bytes) -> None:
    """Plain and gzipped bytes under one name."""
    assert unpacked(written(tmp_path, content)) == CONTENT


@given(
    members=st.lists(st.binary(max_size=300), min_size=1, max_size=4),
    level=st.integers(0, 9),
    block=st.integers(1, 400),
)
def test_members_are_one_file_wherever_blocks_end(
    members: list[bytes], level: int, block: int
) -> None:
    """As `cat a.gz b.gz` makes them, empty ones too; zeros after the last are padding."""
    members = [b"x", *members]  # first ours: no byte order mark, nothing empty
    packed = b"".join(gzip.compress(member, level, mtime=0) for member in members) + bytes(block)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "BLOCK", block)
        assert unpacked(written(Path(folder), packed)) == b"".join(members)


@given(cut=st.integers(1, len(PACKED) - 1), block=st.integers(1, 4096))
def test_a_file_cut_anywhere_fails_and_names_the_byte(cut: int, block: int) -> None:
    """What was readable is never taken for the whole."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "BLOCK", block)
        path = written(Path(folder), PACKED[:cut])
        if cut == 1:  # one byte is no gzip file, and no line of reviews
            assert unpacked(path) == PACKED[:1]
            return
        with pytest.raises(SourceError) as caught:
            unpacked(path)
    assert str(caught.value) == (
        f"{path}: the gzip file ends in the middle, after byte {cut:,}; delete it and download it"
        " again"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty; download it again"),
        (gzip.compress(b"", mtime=0), "is empty; download it again"),
        (packing.BOM, "is empty; download it again"),
        (PACKED[:-8] + bytes(8), "the gzip file is corrupt at byte 0 or soon after (Error -6"),
        (PACKED[:9] + b"\xff" * 30 + PACKED[39:], "the gzip file is corrupt at byte 0 or soon"),
        (PACKED + b"rubbish", f"the gzip file is corrupt at byte {len(PACKED):,} or soon after"),
        (PACKED + bytes(5) + b"PK", f"the gzip file is corrupt at byte {len(PACKED) + 5:,} or"),
        (
            PACKED + PACKED[:99],
            f"the gzip file ends in the middle, after byte {len(PACKED) + 99:,}",
        ),
        (bz2.compress(CONTENT), "must be plain UTF-8 or gzip, found bzip2; convert it first"),
        (lzma.compress(CONTENT), "must be plain UTF-8 or gzip, found xz; convert it first"),
        (b"PK\x03\x04", "must be plain UTF-8 or gzip, found zip; convert it first"),
        ("a".encode("utf-16"), "must be plain UTF-8 or gzip, found UTF-16; convert it first"),
    ],
)
def test_a_broken_file_is_named_with_the_remedy(
    tmp_path: Path, content: bytes, message: str
) -> None:
    """Truncated, corrupt, empty and otherwise packed files are errors, never a shorter table."""
    path = written(tmp_path, content)
    with pytest.raises(SourceError) as caught:
        unpacked(path)
    assert str(caught.value).startswith(f"{path}: {message}")


@pytest.mark.parametrize("seed", range(20))
def test_a_flipped_bit_never_passes(tmp_path: Path, seed: int) -> None:
    """In the data, the checksum or the length: the gzip checksum finds it."""
    broken = bytearray(PACKED)
    broken[random.Random(seed).randrange(10, len(PACKED))] ^= 1 << seed % 8
    with pytest.raises(SourceError, match=r"corrupt|ends in the middle"):
        unpacked(written(tmp_path, bytes(broken)))


def bomb(megabytes: int) -> bytes:
    """Zeros: a thousandth of their length when packed."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(bytes(1_000_000)) for _ in range(megabytes)) + packer.flush()


def test_a_bomb_is_stopped_by_the_limit_in_constant_memory(tmp_path: Path) -> None:
    """400 MB from 390 kB: refused after 300 MB, with the setting to raise; 4 MB of memory do."""
    path = written(tmp_path, bomb(400))
    tracemalloc.start()
    with pytest.raises(SourceError) as caught:
        for _ in blocks(path, 300_000_000):
            pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "may unpack to 0.3 GB at most" in str(caught.value)
    assert "raise `unpacked_limit_gb` in the configuration of `reviews`" in str(caught.value)
    assert peak < 4_000_000


def test_the_limit_itself_is_allowed(tmp_path: Path) -> None:
    """Exactly as many bytes as the limit are no bomb, one more are."""
    path = written(tmp_path, PACKED)
    assert len(unpacked(path, len(CONTENT))) == len(CONTENT)
    with pytest.raises(SourceError, match="may unpack to"):
        unpacked(path, len(CONTENT) - 1)


def test_the_default_limit_is_200_gb() -> None:
    """As the README says."""
    assert packing.UNPACKED_LIMIT == 200_000_000_000


@pytest.mark.parametrize("use", [unpacked, fingerprint])
def test_a_missing_file_is_named_with_the_remedy(tmp_path: Path, use: Any) -> None:
    """Both ways of reading say the same."""
    with pytest.raises(SourceError, match=r"cannot be opened \(No such file .*put the file there"):
        use(tmp_path / "reviews.json.gz")


@pytest.mark.parametrize("use", [unpacked, fingerprint])
def test_a_folder_is_no_file(tmp_path: Path, use: Any) -> None:
    """A `path` that stops too early says so."""
    with pytest.raises(SourceError, match=r"cannot be opened \(Is a directory\); .*correct `path`"):
        use(tmp_path)


@contextmanager
def nobody() -> Iterator[None]:
    """As a user without rights, where the tests run as root, whom nothing is forbidden."""
    if os.geteuid():
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("use", [unpacked, fingerprint])
def test_an_unreadable_file_is_named_with_the_remedy(tmp_path: Path, use: Any) -> None:
    """Without the permission to read it."""
    path = written(tmp_path, PACKED)
    path.chmod(0)
    with nobody(), pytest.raises(SourceError, match=r"cannot be opened \(Permission denied\); put"):
        use(path)


def test_the_fingerprint_is_the_files_own_sha256(tmp_path: Path) -> None:
    """Of the bytes as they lie: the packed ones of a packed file."""
    assert fingerprint(written(tmp_path, PACKED)) == hashlib.sha256(PACKED).hexdigest()
