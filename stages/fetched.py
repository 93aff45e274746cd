"""Where the records of a fetched file come from."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Wanted(NamedTuple):
    """A record that an index tells of: a row of a part, with the fields of `index.CHOSEN`."""

    file: str
    offset: int
    length: int
    url: str
    left_out: bool


class Broken(NamedTuple):
    """A record that was not copied, and why, in one line."""

    record: Wanted
    error: str


@dataclass(frozen=True)
class Spans:
    """The records of a fetched file by the place where each begins in it (bytes, ascending), and those not copied."""

    copied: Sequence[tuple[Wanted, int]]
    broken: Sequence[Broken]

    def at(self, local: int) -> Wanted:
        """The record that holds byte `local` of the fetched file; IndexError before the first one."""
        place = bisect_right(self.copied, local, key=lambda item: item[1])
        if place == 0 or local < 0:
            raise IndexError(f"no record holds byte {local}: the file has {len(self.copied)} records")
        return self.copied[place - 1][0]

    def __len__(self) -> int:
        return len(self.copied)
