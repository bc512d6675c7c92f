"""Hash content in one way: BLAKE2b of 8 bytes, written as 16 hexadecimal digits.

Source files are the exception: `ncf_assets.ingest` takes their SHA-256, which publishers state and
`sha256sum` prints.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # commands that hash texts alone do not wait for numpy
    import numpy as np


def new_hash() -> "hashlib.blake2b":
    """Return an empty hash, to be updated part by part."""
    return hashlib.blake2b(digest_size=8)


def hash_text(text: str) -> str:
    """Return the hash of a text in UTF-8."""
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def hash_json(value: Any) -> str:
    """Return the hash of a JSON value, whatever the order of its keys."""
    return hash_text(json.dumps(value, sort_keys=True))


def hash_arrays(arrays: "Mapping[str, np.ndarray]") -> str:
    """Return the hash of named arrays: names, types, shapes and values, in the given order."""
    import numpy as np

    total = new_hash()
    for name, values in arrays.items():
        total.update(f"{name} {values.dtype} {values.shape} ".encode())
        total.update(np.ascontiguousarray(values).data)
    return total.hexdigest()
