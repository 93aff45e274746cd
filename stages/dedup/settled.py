"""What was found of the suspected documents, put aside by partition until the sidecars are written."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stages.dedup.roster import I64, Roster
from stages.dedup.spill import Records, Spill

SETTLED = np.dtype(
    [
        ("part", "<i4"),
        ("row", "<i4"),
        ("level", "u1"),  # place in LEVELS from 1; 0 where it stays
        ("similarity", "<f4"),
        ("cluster", "<i4"),  # documents it stands for
        ("keeper", "u1", (16,)),
        ("keeper_part", "<i4"),
        ("keeper_row", "<i4"),
        ("component", "u1", (16,)),
    ]
)
DOCUMENTS = 1 << 20  # of a group of partitions, about; 50 bytes each


class Settled:
    """Records come by blocks of components and are read by partitions, in their order."""

    def __init__(self, roster: Roster, suspected: I64, scratch: Path) -> None:
        """`suspected`: how many documents of each partition will come."""
        self._group = (np.cumsum(suspected) // DOCUMENTS).astype(np.int64) if len(suspected) else suspected
        groups = int(self._group[-1]) + 1 if len(roster.parts) else 0
        self._spill = Spill(scratch, "settled", SETTLED, groups)
        self._open = -1
        self._records: Records = np.empty(0, dtype=SETTLED)

    def add(self, records: Records) -> None:
        self._spill.add(records, self._group[records["part"]])

    def of(self, part: int) -> Records:
        """The records of a partition. Partitions of earlier groups cannot be asked for again."""
        if self._group[part] != self._open:
            self._open = int(self._group[part])
            records = self._spill.take(self._open)
            self._records = records[np.argsort(records["part"], kind="stable")]
        start, end = np.searchsorted(self._records["part"], [part, part + 1]).tolist()
        return self._records[start:end]
