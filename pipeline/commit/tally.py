"""Sums over commit markers: what is kept of them where there are too many to keep."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from pipeline.commit.commit import Committed
from stages.base import MAIN


@dataclass
class Tally:
    """The markers of one stage, summed. A marker counts once for each partition that it stands for."""

    markers: int = 0
    rows: int = 0  # of the main output
    quarantined: int = 0
    counters: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, marker: Committed) -> None:
        self.markers += 1
        if MAIN in marker.outputs:
            self.rows += marker.outputs[MAIN]["rows"]
        if marker.quarantine:
            self.quarantined += marker.quarantine["rows"]
        for sums, more in ((self.counters, marker.counters), (self.reasons, marker.reasons)):
            for name, n in more.items():
                sums[name] += n

    def include(self, other: Tally) -> None:
        self.markers += other.markers
        self.rows += other.rows
        self.quarantined += other.quarantined
        self.counters.update(other.counters)
        self.reasons.update(other.reasons)
