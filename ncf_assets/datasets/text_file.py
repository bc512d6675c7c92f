"""Read the texts that people write, registry and run configuration, in whatever an editor saves."""

import codecs
from pathlib import Path


class EncodingError(ValueError):
    """A file is not UTF-8. The message names the file, what was found and the remedy."""


def read_utf8(file: Path) -> str:
    """Return a file's text without the byte order mark that some editors write."""
    content = file.read_bytes()
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in content:
        raise EncodingError(f"{file} must be text in UTF-8, found UTF-16. Save it as UTF-8.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise EncodingError(
            f"{file} must be text in UTF-8, found the byte 0x{content[error.start]:02x} in line"
            f" {line}, as in Latin-1. Save it as UTF-8."
        ) from error
