"""Alarms: what a dedup did that is more often a mistake than the truth. Read from what is committed of it, before anything
is written: a run that stops has lost no work, and going on recomputes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.commit.commit import Committed
from pipeline.store.store import Store
from stages.dedup.host_losses import LEAST
from stages.dedup.summary import SUMMARY

KINDS = ("source", "host", "component", "keeper", "identical", "unsigned")


@dataclass(frozen=True)
class Alarms:
    """`[alarms]`: bounds, and which of KINDS stop a run; the others only warn. A share of 1 is never passed."""

    source_share: float = 0.9  # of a source's documents that go for others
    host_share: float = 0.98  # of a host's
    component: int = 100_000  # documents that were suspected together: more often a template than one text
    keeper_share: float = 0.2  # of all documents that go for one: a notice that a site shows instead of its pages
    identical_share: float = (
        0.75  # of all documents whose text another has as well: an input that is given several times
    )
    unsigned_share: float = 0.5  # of all documents that are too short for a signature: texts that were lost on the way
    stop: tuple[str, ...] = ("source", "keeper", "unsigned")

    def __post_init__(self) -> None:
        if unknown := [kind for kind in self.stop if kind not in KINDS]:
            raise ValueError(f"stop knows {', '.join(KINDS)}, not {', '.join(unknown)}")
        for kind in KINDS:
            if kind != "component" and not 0 < getattr(self, f"{kind}_share") <= 1:
                share = getattr(self, f"{kind}_share")
                raise ValueError(f"{kind}_share must be over 0 and at most 1, not {share:g}; 1 turns it off")
        if self.component < 1:
            raise ValueError(f"component must be at least 1, not {self.component}")


@dataclass(frozen=True)
class Raised:
    """One bound that was passed, with a document that shows how."""

    kind: str
    name: str  # of the source or host, else ''
    documents: int  # that went, or are so
    of: int
    bound: float
    example: str  # id of a document, '' for none
    keeper: str  # id of the document that it, or most of them, went for
    url: str  # of the example
    keeper_url: str

    def __str__(self) -> str:
        return told(self.kind, self.name, self.documents, self.of, self.bound, self.url, self.keeper_url)


def told(kind: str, name: str, documents: int, of: int, bound: float, example: str, keeper: str) -> str:
    """An alarm in words; examples by address, or where that must not be told by id."""
    share = f"{documents / of:.1%}" if of else ""
    such = f", such as {example}" if example else ""
    if kind in ("source", "host"):
        what = f"{kind} {name!r} loses {share} of its {of:,} documents as duplicates{such}"
        what += f"; most often to {keeper}" if kind == "source" else f", for {keeper}"
    elif kind == "component":
        what = f"{documents:,} documents were suspected together{such}"
    elif kind == "keeper":
        what = f"{share} of all {of:,} documents are one text, that of {example}"
    elif kind == "identical":
        what = f"{share} of all {of:,} documents have the text of another, most often that of {example}"
    else:
        what = f"{share} of all {of:,} documents are too short for a signature: only exact copies of them are found"
    return f"{what} (alarms.{kind}{'' if kind == 'component' else '_share'} = {bound:{',' if kind == 'component' else 'g'}})"


def summary(marker: Committed, store: Store) -> list[dict[str, Any]]:
    """The rows of the summary of a committed dedup."""
    rows: list[dict[str, Any]] = marker.rows(store, SUMMARY).read().to_pylist()
    return rows


def raised(
    rows: Sequence[Mapping[str, Any]], dedup: Mapping[str, int], signing: Mapping[str, int], bounds: Alarms
) -> list[Raised]:
    """What the summary and the counters of `dedup`, and those of `minhash`, say against the bounds, by kind."""
    found = [*_of_rows(rows, dedup["participants"], bounds), *_of_counters(rows, dedup, signing, bounds)]
    return sorted(found, key=lambda alarm: KINDS.index(alarm.kind))


def _of_rows(rows: Sequence[Mapping[str, Any]], total: int, bounds: Alarms) -> Iterator[Raised]:
    for row in rows:
        kind, size, lost = row["kind"], row["documents"], row["lost"]
        if kind in ("source", "host"):
            bound = bounds.source_share if kind == "source" else bounds.host_share
            if size >= LEAST and lost > bound * size:
                yield _raised(row, lost, size, bound)
        elif kind == "component" and size > bounds.component:
            yield _raised(row, size, total, bounds.component)
        elif kind == "keeper" and total >= LEAST and size > bounds.keeper_share * total:
            yield _raised(row, size, total, bounds.keeper_share)


def _of_counters(
    rows: Sequence[Mapping[str, Any]], dedup: Mapping[str, int], signing: Mapping[str, int], bounds: Alarms
) -> Iterator[Raised]:
    total, copies = dedup["participants"], dedup.get("copies", 0)
    if total >= LEAST and copies > bounds.identical_share * total:
        text = next(row for row in rows if row["kind"] == "text")  # the most frequent comes first
        yield _raised({**text, "kind": "identical"}, copies, total, bounds.identical_share)
    total = signing["participants"]
    unsigned = total - signing["signed"]
    if total >= LEAST and unsigned > bounds.unsigned_share * total:
        yield Raised("unsigned", "", unsigned, total, bounds.unsigned_share, "", "", "", "")


def _raised(row: Mapping[str, Any], documents: int, of: int, bound: float) -> Raised:
    return Raised(
        row["kind"], row["name"], documents, of, bound, row["example"], row["keeper"], row["url"], row["keeper_url"]
    )
