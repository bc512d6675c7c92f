"""Read a source file's bytes, unpacked if they are gzipped, block by block in constant memory.

This module opens a file, reads its gzip members, limits what they unpack to, and raises the errors
that make a file unreadable. `ncf_assets.ingest.reader` splits the bytes into lines.
"""

import hashlib
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

from isal import isal_zlib

BLOCK = 1 << 18  # bytes that are unpacked at a time; chosen: they fit into a processor's cache
MOST_DEFLATED = 1032  # zlib's technical details: bytes that a byte of deflate unpacks to at most
UNPACKED_LIMIT = 200 * 10**9  # bytes; chosen: ten times Amazon's largest file
BOM = b"\xef\xbb\xbf"

GZIP = b"\x1f\x8b"  # RFC 1952
_GZIP_WINDOW = 31  # zlib.h, inflateInit2: 15 bits of window, +16 for gzip's header and checksum
_OTHERS = {
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


_PAGES = (b"<!doctype html", b"<html", b"<?xml")
_TAR, _TAR_AT = b"ustar", 257  # POSIX.1-1988


class SourceError(ValueError):
    """The file cannot be read. The message names it and the remedy.

    The message has no full stop at its end, as it may be one of several reasons that are joined.
    """


def blocks(path: Path, limit: int = UNPACKED_LIMIT) -> Iterator[bytes]:
    """Yield a file's bytes, unpacked if they are gzipped, without a byte order mark.

    The bytes tell whether the file is gzipped; its name does not matter. While iterating, raise
    `SourceError` if the file is missing, empty, truncated, corrupt, compressed in another way, or
    unpacks to more than `limit` bytes. The caller must then discard what was yielded before.
    """
    with opened(path) as file:
        head = file.peek(8)
        _refuse_others(path, head)
        found = _unpacked(path, file, limit) if head.startswith(GZIP) else _plain(file)
        first = next(found, b"").removeprefix(BOM)
        if not first:
            raise SourceError(f"{path} is empty. Download it again, or correct its `path`")
        _refuse_containers(path, first)
        yield first
        yield from found


def check_unpacked(path: Path, limit: int) -> None:
    """Raise `SourceError` if a file that others unpack is gzipped and unpacks to more than `limit`.

    It is unpacked only if it is so large that it might.
    """
    with opened(path) as file:
        gzipped = file.peek(2).startswith(GZIP)
    if gzipped and path.stat().st_size * MOST_DEFLATED > limit:
        for _ in blocks(path, limit):
            pass


def is_web_page(path: Path) -> bool:
    """Return whether a file begins as a web page does; it may have the name of another kind."""
    with opened(path) as file:
        return _begins_as_page(file.peek(64))


def _begins_as_page(head: bytes) -> bool:
    return head.removeprefix(BOM).lstrip()[:64].lower().startswith(_PAGES)


def _refuse_containers(path: Path, head: bytes) -> None:
    """Refuse what holds a file rather than being one."""
    if _begins_as_page(head):
        raise SourceError(
            f"{path} is a web page, which a moved link may have brought. Delete it, and correct"
            " `url` or put the file itself there"
        )
    if head[_TAR_AT:].startswith(_TAR):
        raise SourceError(
            f"{path} is a tar archive, whose files must be unpacked. Unpack it, and set `path` to"
            " one of its files or to a folder of them"
        )


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of the file's own bytes, not unpacked, in hexadecimal."""
    with opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def opened(path: Path) -> BufferedReader:
    """Open a file to read its bytes; raise `SourceError` if it cannot be opened."""
    try:
        return path.open("rb")
    except OSError as error:
        raise SourceError(
            f"{path} cannot be opened ({error.strerror}). Put the file there, or correct `path`"
            " or `url` in datasets.toml"
        ) from error


def _refuse_others(path: Path, head: bytes) -> None:
    for magic, name in _OTHERS.items():
        if head.startswith(magic):
            raise SourceError(f"{path} must be plain UTF-8 or gzip, found {name}. Convert it first")


def _plain(file: BufferedReader) -> Iterator[bytes]:
    while block := file.read(BLOCK):
        yield block


def _unpacked(path: Path, file: BufferedReader, limit: int) -> Iterator[bytes]:
    """Yield what all members unpack to, each block as soon as it is unpacked."""
    packed, taken, given = file.read(BLOCK), 0, 0  # bytes not unpacked yet, unpacked, yielded
    while packed:
        member = isal_zlib.decompressobj(wbits=_GZIP_WINDOW)
        while not member.eof:
            available = len(packed)
            try:
                block = member.decompress(packed, BLOCK)
            except isal_zlib.error as error:  # type: ignore[misc]  # stated as no class
                raise _corrupt(path, taken, str(error)) from error
            packed = member.unused_data if member.eof else member.unconsumed_tail
            taken += available - len(packed)
            given += len(block)
            if given > limit:
                raise _too_large(path, taken, limit)
            if block:
                yield block
            if not packed:
                packed = file.read(BLOCK)
                if not packed and not block and not member.eof:
                    raise _cut_off(path, taken)
        packed = _next_member(path, file, packed, taken)


def _next_member(path: Path, file: BufferedReader, packed: bytes, taken: int) -> bytes:
    """Skip zeros, which are padding, and return the first bytes of the next member, if any."""
    while packed and not packed.strip(b"\0"):
        taken += len(packed)
        packed = file.read(BLOCK)
    rest = packed.lstrip(b"\0")
    if rest and not GZIP.startswith(rest[:2]):
        raise _corrupt(path, taken + len(packed) - len(rest), "no gzip member begins here")
    return rest


def _corrupt(path: Path, byte: int, found: str) -> SourceError:
    return SourceError(
        f"{path} is a gzip file that is corrupt at byte {byte:,} or soon after ({found}). Delete it"
        " and download it again"
    )


def _cut_off(path: Path, byte: int) -> SourceError:
    return SourceError(
        f"{path} is a gzip file that ends in the middle, after byte {byte:,}. Delete it and"
        " download it again"
    )


def _too_large(path: Path, byte: int, limit: int) -> SourceError:
    return SourceError(
        f"{path} must unpack to {limit / 1e9:g} GB at most, and its first {byte:,} bytes unpack to"
        " more. If the file is meant to be that large, raise `max_unpacked_gb` in the configuration"
        " of `reviews`, or of `item_details` where titles are read"
    )
