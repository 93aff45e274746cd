"""The SHA-256 of a file that a stage rests on: a model, a tokenizer, a list."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path


def sha256_of(path: Path) -> str:
    """Hexadecimal. A file that did not change since it was last asked for is not read again. Raises OSError."""
    stamp = path.stat()
    return _sha256(path, stamp.st_size, stamp.st_mtime_ns)


@lru_cache(maxsize=64)
def _sha256(path: Path, _size: int, _changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_of(path: Path) -> str:
    """The same, read every time: of a file that is new anyway."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
