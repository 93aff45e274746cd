"""Where committed work and a release lie: a small interface that a directory fills (`folder`), and a bucket (`s3`).

Names are relative, with forward slashes. Nothing that counts is renamed or changed in place: a name is put with
the content that it is made from, or created once. (S3: `put` is a PUT, `create` a PUT with `If-None-Match: *`.)
`replace` is for what a release says of itself and for what counts for nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple, Protocol

from pipeline.store.places import Place


class Entry(NamedTuple):
    name: str
    bytes: int
    modified: float  # seconds since 1970, by the clock of the store


class Store(Protocol):
    @property
    def place(self) -> Place:
        """Where it is, for messages."""

    def path(self, name: str) -> str:
        """What `stages.parquet.open_checked` opens to read `name`."""

    def open(self, name: str) -> BufferedReader:
        """The content as a file to read. FileNotFoundError where there is no such name."""

    def read(self, name: str) -> bytes | None:
        """The content, or None where there is no such name. A folder in its place reads as an empty file: damaged."""

    def size(self, name: str) -> int | None:
        """Bytes of `name`, or None where there is no such name."""

    def list(self, folder: str) -> list[str]:
        """Sorted names directly in `folder`; empty where there is no such folder."""

    def entries(self, folder: str) -> Sequence[Entry]:
        """Every file under `folder` ('' = of the store), at any depth, sorted by name; no folders."""

    def put(self, file: Path, name: str) -> None:
        """Store a finished scratch file, which is moved, under a name made from its content. Repeating it is harmless."""

    def replace(self, name: str, content: bytes) -> None:
        """Write `name` so that a reader sees what it was or what it is now, and nothing between."""

    def create(self, name: str, content: bytes) -> bool:
        """Create `name` with `content` atomically and durably; False (and no change) where it exists already."""

    def remove(self, name: str) -> None:
        """Remove a file. Harmless where there is none."""

    def check(self, what: str) -> None:
        """Fail now rather than after an hour: UsageError where nothing can be written. `what`: work or release."""

    def scratch(self) -> contextlib.AbstractContextManager[Path]:
        """A fresh local directory, removed afterwards."""

    def sweep(self) -> None:
        """Remove what killed processes of this machine left in scratch."""

    def near(self) -> contextlib.AbstractContextManager[None]:
        """For as long as one task runs: what it puts stays at hand for it to read."""
