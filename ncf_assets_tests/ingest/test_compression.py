"""Files, plain or gzipped, and errors that name the byte and the remedy."""

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

from ncf_assets.ingest import compression
from ncf_assets.ingest.compression import SourceError, blocks, fingerprint

CONTENT = b"".join(b"%d lines\n" % n for n in range(1000))
PACKED = gzip.compress(CONTENT, mtime=0)
CORRUPT = "is a gzip file that is corrupt at byte"


def unpacked(path: Path, limit: int = 10**9) -> bytes:
    """Return all blocks joined."""
    return b"".join(blocks(path, limit))


def written(folder: Path, content: bytes) -> Path:
    """Write a file whose name says gzip, whatever its content is."""
    path = folder / "reviews.json.gz"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("content", [CONTENT, PACKED])
def test_packing_is_seen_in_the_bytes_not_in_the_name(tmp_path: Path, content: bytes) -> None:
    """Plain and gzipped bytes have the same name here."""
    assert unpacked(written(tmp_path, content)) == CONTENT


@given(
    members=st.lists(st.binary(max_size=300), min_size=1, max_size=4),
    level=st.integers(0, 9),
    block=st.integers(1, 400),
)
def test_members_are_one_file_wherever_blocks_end(
    members: list[bytes], level: int, block: int
) -> None:
    """`cat a.gz b.gz` makes such files; members may be empty, and zeros at the end are padding."""
    members = [b"x", *members]  # a first one without a byte order mark, so that nothing is empty
    packed = b"".join(gzip.compress(member, level, mtime=0) for member in members) + bytes(block)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(compression, "BLOCK", block)
        assert unpacked(written(Path(folder), packed)) == b"".join(members)


@given(cut=st.integers(1, len(PACKED) - 1), block=st.integers(1, 4096))
def test_a_file_cut_anywhere_fails_and_names_the_byte(cut: int, block: int) -> None:
    """The readable part is never taken for the complete file."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(compression, "BLOCK", block)
        path = written(Path(folder), PACKED[:cut])
        if cut == 1:  # one byte is no gzip file, and no line of reviews
            assert unpacked(path) == PACKED[:1]
            return
        with pytest.raises(SourceError) as caught:
            unpacked(path)
    assert str(caught.value) == (
        f"{path} is a gzip file that ends in the middle, after byte {cut:,}. Delete it and download"
        " it again"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty. Download it again"),
        (gzip.compress(b"", mtime=0), "is empty. Download it again"),
        (compression.BOM, "is empty. Download it again"),
        (PACKED[:-8] + bytes(8), f"{CORRUPT} 0 or soon after (Error -6"),
        (PACKED[:9] + b"\xff" * 30 + PACKED[39:], f"{CORRUPT} 0 or soon after"),
        (PACKED + b"rubbish", f"{CORRUPT} {len(PACKED):,} or soon after"),
        (PACKED + bytes(5) + b"PK", f"{CORRUPT} {len(PACKED) + 5:,} or soon after"),
        (
            PACKED + PACKED[:99],
            f"is a gzip file that ends in the middle, after byte {len(PACKED) + 99:,}",
        ),
        (bz2.compress(CONTENT), "must be plain UTF-8 or gzip, found bzip2. Convert it first"),
        (lzma.compress(CONTENT), "must be plain UTF-8 or gzip, found xz. Convert it first"),
        (b"PK\x03\x04", "must be plain UTF-8 or gzip, found zip. Convert it first"),
        ("a".encode("utf-16"), "must be plain UTF-8 or gzip, found UTF-16. Convert it first"),
    ],
)
def test_a_broken_file_is_named_with_the_remedy(
    tmp_path: Path, content: bytes, message: str
) -> None:
    """A truncated, corrupt, empty or otherwise packed file is an error, never a shorter table."""
    path = written(tmp_path, content)
    with pytest.raises(SourceError) as caught:
        unpacked(path)
    assert str(caught.value).startswith(f"{path} {message}")


@pytest.mark.parametrize("seed", range(20))
def test_a_flipped_bit_never_passes(tmp_path: Path, seed: int) -> None:
    """The gzip checksum finds it in the data, the checksum or the length."""
    broken = bytearray(PACKED)
    broken[random.Random(seed).randrange(10, len(PACKED))] ^= 1 << seed % 8
    with pytest.raises(SourceError, match=r"corrupt|ends in the middle"):
        unpacked(written(tmp_path, bytes(broken)))


def bomb(megabytes: int) -> bytes:
    """Return packed zeros, which take a thousandth of their length."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(bytes(1_000_000)) for _ in range(megabytes)) + packer.flush()


def test_a_bomb_is_stopped_by_the_limit_in_constant_memory(tmp_path: Path) -> None:
    """400 MB from 390 kB are refused after 300 MB, with the setting to raise, in 4 MB of memory."""
    path = written(tmp_path, bomb(400))
    tracemalloc.start()
    with pytest.raises(SourceError) as caught:
        for _ in blocks(path, 300_000_000):
            pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "must unpack to 0.3 GB at most, and its first " in str(caught.value)
    assert "raise `max_unpacked_gb` in the configuration of `reviews`" in str(caught.value)
    assert peak < 4_000_000


def test_the_limit_itself_is_allowed(tmp_path: Path) -> None:
    """A file of exactly as many bytes as the limit is accepted, one more is refused."""
    path = written(tmp_path, PACKED)
    assert len(unpacked(path, len(CONTENT))) == len(CONTENT)
    with pytest.raises(SourceError, match="must unpack to"):
        unpacked(path, len(CONTENT) - 1)


def test_the_default_limit_is_200_gb() -> None:
    """The documentation says so, too."""
    assert compression.UNPACKED_LIMIT == 200_000_000_000


@pytest.mark.parametrize("use", [unpacked, fingerprint])
def test_a_missing_file_is_named_with_the_remedy(tmp_path: Path, use: Any) -> None:
    """Both ways of reading say the same."""
    opened = r"cannot be opened \(No such file .*\)\. Put the file there"
    with pytest.raises(SourceError, match=opened):
        use(tmp_path / "reviews.json.gz")


@pytest.mark.parametrize("use", [unpacked, fingerprint])
def test_a_folder_is_no_file(tmp_path: Path, use: Any) -> None:
    """A `path` that ends too early is named with its remedy."""
    opened = r"cannot be opened \(Is a directory\)\. Put .*correct `path`"
    with pytest.raises(SourceError, match=opened):
        use(tmp_path)


@contextmanager
def nobody() -> Iterator[None]:
    """Become a user without rights if the tests run as root, to whom nothing is forbidden."""
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
    """The file lacks the permission to be read."""
    path = written(tmp_path, PACKED)
    path.chmod(0)
    opened = r"cannot be opened \(Permission denied\)\. Put"
    with nobody(), pytest.raises(SourceError, match=opened):
        use(path)


def test_the_fingerprint_is_the_files_own_sha256(tmp_path: Path) -> None:
    """It is the hash of the packed bytes of a packed file."""
    assert fingerprint(written(tmp_path, PACKED)) == hashlib.sha256(PACKED).hexdigest()
