"""Alarms: what a dedup did that is more often a mistake than the truth. Read from its summary before anything is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.commit import Committed
from pipeline.store import Store
from stages.dedup import SUMMARY
from stages.dedup_summary import LEAST

KINDS = ("source", "host", "component", "copies", "unsigned", "known")


@dataclass(frozen=True)
class Alarms:
    """`[alarms]`: bounds, and which of KINDS stop a run; the others are only told."""

    source_share: float = 0.9  # of a source's documents that go for others of the run
    host_share: float = 0.98  # of a host's
    component: int = 100_000  # documents that were suspected together: more often a template than one text
    copies_share: float = 0.2  # of all documents that are one text: a notice that a site shows instead of its pages
    unsigned_share: float = 0.5  # of all documents that are too short for a signature
    known_share: float = 0.99  # of a source's documents that an index knows: an index of this very release
    stop: tuple[str, ...] = ("source", "copies", "unsigned", "known")

    def __post_init__(self) -> None:
        if unknown := [kind for kind in self.stop if kind not in KINDS]:
            raise ValueError(f"stop knows {', '.join(KINDS)}, not {', '.join(unknown)}")
        for name in ("source_share", "host_share", "copies_share", "unsigned_share", "known_share"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name} must be over 0 and at most 1, not {getattr(self, name)}; 1 turns it off")
        if self.component < 1:
            raise ValueError(f"component must be at least 1, not {self.component}")


@dataclass(frozen=True)
class Raised:
    kind: str
    text: str


def raised(marker: Committed, store: Store, bounds: Alarms) -> list[Raised]:
    """What the summary of a dedup says against the bounds, in the order of KINDS."""
    found = list(_raised(marker.counters, marker.rows(store, SUMMARY).read().to_pylist(), bounds))
    return sorted(found, key=lambda alarm: KINDS.index(alarm.kind))


def _raised(counters: Mapping[str, int], rows: list[dict[str, Any]], bounds: Alarms) -> Iterator[Raised]:
    total = counters["participants"]
    for row in rows:
        size, lost, kind = row["documents"], row["lost"], row["kind"]
        if kind in ("source", "host") and size >= LEAST:
            share = bounds.source_share if kind == "source" else bounds.host_share
            if lost > share * size:
                yield Raised(
                    kind,
                    f"{kind} {row['name']!r} loses {lost / size:.1%} of its {size:,} documents as duplicates, such as "
                    f"{row['example']}; most often ({row['times']:,}) to {row['keeper']} (alarms.{kind}_share = {share:g})",
                )
            if kind == "source" and row["known"] > bounds.known_share * size:
                yield Raised(
                    "known",
                    f"an index knows {row['known'] / size:.1%} of the {size:,} documents of source {row['name']!r} "
                    f"(alarms.known_share = {bounds.known_share:g})",
                )
        elif kind == "largest" and size > bounds.component:
            yield Raised(
                "component",
                f"{size:,} documents were suspected together, such as {row['example']} "
                f"(alarms.component = {bounds.component:,})",
            )
        elif kind == "copies" and total >= LEAST and size > bounds.copies_share * total:
            yield Raised(
                "copies",
                f"{size / total:.1%} of the {total:,} documents are one text, that of {row['example']} "
                f"(alarms.copies_share = {bounds.copies_share:g})",
            )
    if total >= LEAST and counters["unsigned"] > bounds.unsigned_share * total:
        yield Raised(
            "unsigned",
            f"{counters['unsigned'] / total:.1%} of the {total:,} documents are too short for a signature, so of these "
            f"only exact copies are found (alarms.unsigned_share = {bounds.unsigned_share:g})",
        )
