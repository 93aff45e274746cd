"""What a reader makes of the records of a file: counted one by one, written in row groups; and the sample of a dry run."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, TypeVar

import pyarrow as pa

from stages.base import ROWS, Sink
from stages.documents import DOCUMENTS, PASSED

BUFFER = 32 << 20  # characters of text in a row group at most: what every later stage holds at once
LOOK_AHEAD = 20  # records looked at for every document of a sample: one page in twenty of a crawl is Japanese

_Record = TypeVar("_Record")


class Output:
    """Each record goes through one of `keep`, `pass_by` and `lose`, so that records = rows + passed by + quarantined."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._rows: list[dict[str, Any]] = []
        self._passed: list[dict[str, object]] = []
        self._characters = 0

    def keep(self, row: dict[str, Any]) -> None:
        """A row of `stages.documents.document`: a document, or with a `reason` one that extraction rejects."""
        self._sink.count("records")
        self._sink.count("rows")
        if row["reason"]:
            self._sink.reason(row["reason"])
        if row["via"]:
            self._sink.count(f"via.{row['via']}")
        self._rows.append(row)
        self._characters += len(row["text"])
        if len(self._rows) >= ROWS or self._characters >= BUFFER:
            self.flush()

    def pass_by(self, url: str, offset: int, reason: str) -> None:
        """A record that never becomes a row: a counter and a compact locator."""
        self._sink.count("records")
        self._sink.count(reason)
        url_hash = hashlib.blake2b(url.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        self._passed.append({"url_hash": url_hash, "offset": offset, "reason": reason})
        if len(self._passed) >= 20 * ROWS:
            self.flush()

    def lose(self, where: str, error: str, kind: str, *, id: bytes = b"", url: str = "") -> None:
        """A record, or a damaged place, that could not be read; `kind` is its cause in the manifest."""
        self._sink.count("records")
        self._sink.count("quarantined")
        self._sink.count(f"lost.{kind}")
        self._sink.quarantine(id=id.hex(), url=url, where=where, error=" ".join(error.split()))

    def flush(self) -> None:
        """To be called at the end of the file."""
        if self._rows:
            self._sink.write(pa.Table.from_pylist(self._rows, schema=DOCUMENTS), cut=True)
        if self._passed:
            self._sink.write(pa.Table.from_pylist(self._passed, schema=PASSED), to="passed")
        self._rows, self._passed, self._characters = [], [], 0


def sampled(
    records: Iterator[_Record], size: int, id_of: Callable[[_Record], bytes | None], *, ahead: int = LOOK_AHEAD
) -> Iterator[_Record]:
    """Of the first `ahead * size` records the `size` with the lowest ids, in their order.

    `id_of` gives None for a record that is no document, and b'' for one that is told of in any case, such as a damage:
    those come first. At most `size` records are held.
    """
    chosen: list[tuple[int, int, _Record]] = []  # a heap, the highest id on top
    for position, record in enumerate(islice(records, ahead * size)):
        id = id_of(record)
        if id == b"":
            yield record
        elif id is not None:
            entry = (-int.from_bytes(id, "big"), position, record)
            if len(chosen) < size:
                heapq.heappush(chosen, entry)
            else:
                heapq.heappushpop(chosen, entry)
    for _, _, record in sorted(chosen, key=lambda entry: entry[1]):
        yield record
