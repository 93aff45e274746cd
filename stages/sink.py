"""Where a stage writes: what the runner hands it for its rows, its counts, and what it could not process."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import pyarrow as pa

MAIN = "rows"  # the name of a stage's main output: one row a document, in the order of `extract`


class Sink(Protocol):
    """Where a stage writes. Everything written here is committed together, or not at all."""

    scratch: Path  # an empty directory for temporary files, removed afterwards

    def write(self, table: pa.Table, to: str = MAIN, *, cut: bool = False) -> None:
        """Append rows to the output `to`. Row groups end after `Stage.group_rows` rows, or where `cut` says so; the
        chunking of calls never shows otherwise."""

    def count(self, counter: str, n: int = 1) -> None: ...

    def reason(self, code: str, n: int = 1) -> None: ...

    def quarantine(self, *, id: str, url: str, where: str, error: str) -> None:
        """Record one document that could not be processed: hex id (or ''), URL, place in the input, one-line error."""
