"""Who takes part in dedup: a dense number for each participant, for one bit a row of memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from stages.base import InputError, Part
from stages.dedup.enrolled import columns, takes_part

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Roster:
    """n participants, numbered by (partition id, row). The numbers hold within one run of dedup only."""

    parts: tuple[Part, ...]  # by id
    firsts: I64  # (parts + 1,): number of each partition's first participant, and n
    _takes_part: tuple[npt.NDArray[np.uint8], ...]  # one bit a row of each partition

    def __len__(self) -> int:
        return int(self.firsts[-1])

    @property
    def counts(self) -> I64:
        """Participants of each partition, shape (parts,)."""
        return np.diff(self.firsts)

    def rows(self, part: int) -> I32:
        """Rows of the participants of this partition, ascending."""
        bits = np.unpackbits(self._takes_part[part], count=self.parts[part].rows["minhash"].rows)
        return np.flatnonzero(bits).astype(np.int32)


def enrol(parts: Sequence[Part]) -> Roster:
    """All documents that dedup looks at. Raises InputError when a partition is given twice."""
    parts = tuple(sorted(parts, key=lambda part: part.id))
    for one, other in pairwise(parts):
        if one.id == other.id:
            raise InputError(
                f"partition {one.id} is in source {one.source!r} and again in {other.source!r}: remove one of them"
            )
    counts, bits = [0], []
    for part in parts:
        found = [takes_part(batch).to_numpy() for batch in part.groups(columns(part))]
        enrolled = np.concatenate([np.empty(0, dtype=np.bool_), *found])
        counts.append(int(enrolled.sum()))
        bits.append(np.packbits(enrolled))
    return Roster(parts, np.cumsum(counts, dtype=np.int64), tuple(bits))
