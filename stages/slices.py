"""A range of whole streams of a multistream dump, read as if it were a dump of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class Slice:
    """Bytes [start, end) of a dump, behind its head: the bytes [0, head), which say which wiki it is."""

    head: int
    start: int  # where a stream begins, `head` or later
    end: int
    last: bool  # the dump ends with it
    fetched: bool = False  # the file holds the head and the range alone, one after the other

    @property
    def size(self) -> int:
        return self.head + self.end - self.start

    def place(self, local: int) -> int:
        """Where in the dump lies what is byte `local` of head and range read one after the other."""
        return local if local < self.head else local - self.head + self.start


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class Sliced:
    """Head and range of an open dump, one after the other."""

    def __init__(self, file: BinaryIO, of: Slice) -> None:
        self._file, self._slice, self._at = file, of, 0
        file.seek(0)

    def read(self, size: int, /) -> bytes:
        of = self._slice
        if self._at == of.head and not of.fetched:
            self._file.seek(of.start)
        limit = of.head if self._at < of.head else of.size
        data = self._file.read(min(size, limit - self._at))
        self._at += len(data)
        return data
