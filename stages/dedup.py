"""Near-duplicate removal over all partitions: verified, deterministic, and with the name of the keeper in every row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stages.base import NEUTRAL, InputError, Inputs, Part, Sink, Stage
from stages.blocks import Block, Blocks, histogram
from stages.columns import binary, matrix
from stages.components import I64, U64, BandRuns
from stages.enrolled import KNOWN, known
from stages.parquet import Rows
from stages.participants import ORDERS, Documents
from stages.roster import Roster, enrol
from stages.settled import SETTLED, Settled
from stages.spill import Records
from stages.verify import Verified, Verifier

LEVELS = {"exact": "the same dedup key as its keeper", "near": "measured to be alike enough to its keeper"}

DEDUP = pa.schema(
    [
        pa.field("keep", pa.bool_(), nullable=False),  # takes part and stays
        pa.field(
            "level", pa.string(), nullable=False
        ),  # why it goes, one of LEVELS, or KNOWN; '' where nothing is dropped here
        pa.field("keeper", pa.binary(16)),  # id of the document that stays for it; null unless dropped
        pa.field("similarity", pa.float32()),  # Jaccard similarity to the keeper; null unless dropped
        pa.field(
            "cluster_size", pa.int32(), nullable=False
        ),  # documents a kept one stands for, itself included; else 0
        pa.field("component", pa.binary(16)),  # smallest id among all it was suspected with; null if it takes no part
    ]
)

# Counters of sizes: with the power of two that a size lies above.
COMPONENTS, CLUSTERS = "components.from.", "clusters.from."

WIPEOUT_FROM = 100  # participants: below this a source of copies is no sign of a mistake


class WipeOutError(InputError):
    """A source would lose nearly everything: more often a mistake in the recipe than a source of duplicates."""


@dataclass(frozen=True)
class Dedup(Stage):
    """Keeps one of every set of documents that were measured to be alike.

    Reads all partitions, and the band runs over exactly them as further parts that hold nothing but `bands`. Same
    documents, same answer, for any order of parts and any partitioning: identity is the document id. Documents with
    the same id are suspects like any others, dropped only if their texts are alike, so a crawler's repeated record id
    loses no page. In memory: 10 bytes a participant, and what one block of components takes (`stages/blocks.py`).
    """

    ngram: int = 5
    similarity: float = 0.8  # Jaccard similarity of character n-gram sets from which two documents are one
    order: tuple[str, ...] = ("rank", "longest", "newest")  # who is kept: ORDERS; then the lowest id
    all_pairs: int = 2000  # components of more distinct documents are compared only along shared band keys
    comparisons: int = 16  # texts a document is compared with, the most alike by signature first, before it is kept
    wipeout: float = field(default=0.9, metadata=NEUTRAL)  # share a source may lose; 1 turns the alarm off
    ranges: int = field(
        default=64, metadata=NEUTRAL
    )  # key ranges read one after the other, at least: memory against seeks

    name: ClassVar[str] = "dedup"
    version: ClassVar[int] = 3
    needs: ClassVar[tuple[str, ...]] = ("extract", "edits", "minhash", KNOWN, "bands")
    barrier: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if unknown := [name for name in self.order if name not in ORDERS]:
            raise ValueError(f"dedup.order knows {', '.join(ORDERS)}, not {', '.join(unknown)}")
        for name in ("ngram", "all_pairs", "comparisons", "ranges"):
            if getattr(self, name) < 1:
                raise ValueError(f"dedup.{name} must be at least 1, not {getattr(self, name)}")
        if not 0 < self.similarity <= 1:
            raise ValueError(f"dedup.similarity must be over 0 and at most 1, not {self.similarity}")

    def outputs(self, inputs: Inputs) -> dict[str, pa.Schema]:
        return {part.id: DEDUP for part in partitions(inputs)}

    def run(self, inputs: Inputs, sink: Sink) -> None:
        roster = enrol(partitions(inputs))
        runs = BandRuns.over(roster, band_runs(inputs), self.ranges)
        blocks = Blocks(roster, runs, self.all_pairs, sink.scratch)
        settled, losses = Settled(roster, blocks.suspected, sink.scratch), Losses()
        sink.count("participants", len(roster))
        sink.count("components", blocks.components)
        sink.count("largest_component", blocks.largest)
        _count_sizes(sink, COMPONENTS, blocks.sizes)
        _count_sizes(sink, CLUSTERS, {1: len(roster) - int(blocks.suspected.sum())})
        for block in blocks:
            outcome = self._settle(block)
            _count(sink, outcome)
            _count_sizes(sink, CLUSTERS, histogram(np.bincount(outcome.keeper)))
            losses.add(block.documents, outcome)
            settled.add(_settlement(block, outcome))
        self._alarm(roster, losses)
        for index, part in enumerate(roster.parts):
            sink.write(_table(part, roster.rows(index), settled.of(index), sink), to=part.id)

    def _settle(self, block: Block) -> Outcome:
        documents, roots = block.documents, block.roots
        places = documents.places(self.order)
        suspected = np.flatnonzero(np.bincount(roots, minlength=len(roots))[roots] > 1)
        original = _originals(documents, places, suspected)
        distinct = suspected[(original[suspected] == suspected) & documents.signed[suspected]]
        distinct = distinct[np.lexsort((places[distinct], roots[distinct]))]

        def keys_of(wanted: npt.NDArray[np.bool_]) -> tuple[U64, I64]:
            keys, numbers = block.keys()
            order = np.argsort(documents.number)
            who = order[np.searchsorted(documents.number[order], numbers)]
            return keys[wanted[who]], who[wanted[who]]

        verifier = Verifier(documents, self.similarity, self.ngram, self.all_pairs, self.comparisons, keys_of)
        return Outcome(original, verifier.run(distinct, roots[distinct]))

    def _alarm(self, roster: Roster, losses: Losses) -> None:
        for source in sorted({part.source for part in roster.parts}):
            total = sum(int(n) for part, n in zip(roster.parts, roster.counts, strict=True) if part.source == source)
            lost, (times, _, place) = losses.lost.get(source, 0), losses.most.get(source, (0, b"", (0, 0)))
            if total >= WIPEOUT_FROM and lost > self.wipeout * total:
                keeper = roster.parts[place[0]]
                url = keeper.rows["extract"].take(np.array([place[1]]), ("url",))["url"][0]
                raise WipeOutError(
                    f"source {source!r} would lose {lost / total:.1%} of its {total} documents as duplicates, over "
                    f"dedup.wipeout = {self.wipeout:g}; most often ({times}) to {url} of source "
                    f"{keeper.source!r}: set dedup.wipeout = 1 if that is meant"
                )


@dataclass
class Losses:
    """What sources lose, summed over blocks; all that stays for a document is in the block of the document."""

    lost: dict[str, int] = field(default_factory=dict)  # source -> documents
    most: dict[str, tuple[int, bytes, tuple[int, int]]] = field(default_factory=dict)  # times, keeper's id and place

    def add(self, documents: Documents, outcome: Outcome) -> None:
        names = sorted({part.source for part in documents.parts})
        source = np.array([names.index(part.source) for part in documents.parts])[documents.part]
        for index in np.unique(source[outcome.dropped]).tolist():
            name, lost = names[index], outcome.dropped & (source == index)
            keepers, times = np.unique(outcome.keeper[lost], return_counts=True)
            keeper, most = keepers[[times.argmax()]], int(times.max())
            place = int(documents.part[keeper[0]]), int(documents.row[keeper[0]])
            found = (most, documents.ids.bytes(keeper).tobytes(), place)
            self.lost[name] = self.lost.get(name, 0) + int(lost.sum())
            self.most[name] = min(found, self.most.get(name, found), key=lambda each: (-each[0], each[1]))


@dataclass(frozen=True)
class Outcome:
    """What becomes of the n documents of a block; all arrays are of shape (n,)."""

    original: I64  # first in keeper order of those with the same dedup key
    verified: Verified  # what became of the originals

    @cached_property
    def keeper(self) -> I64:
        """Who stays for each document, or itself. A copy goes where its original goes: their n-grams are the same."""
        return self.verified.keeper[self.original]

    @cached_property
    def dropped(self) -> npt.NDArray[np.bool_]:
        dropped: npt.NDArray[np.bool_] = self.keeper != np.arange(len(self.keeper))
        return dropped

    @cached_property
    def near(self) -> npt.NDArray[np.bool_]:
        near: npt.NDArray[np.bool_] = self.dropped & (self.keeper != self.original)
        return near


def partitions(inputs: Inputs) -> list[Part]:
    """The parts that hold documents, by id."""
    return sorted((part for part in inputs.parts if "bands" not in part.rows), key=lambda part: part.id)


def band_runs(inputs: Inputs) -> list[Rows]:
    """The parts that hold nothing but a run of `bands`."""
    return [part.rows["bands"] for part in inputs.parts if "bands" in part.rows]


def _originals(documents: Documents, places: I64, suspected: I64) -> I64:
    """First document in keeper order with the same exact hash, shape (n,); equal hashes are always suspected."""
    high, low = documents.exact
    ordered = suspected[np.lexsort((places[suspected], low[suspected], high[suspected]))]
    new = np.ones(len(ordered), dtype=np.bool_)
    new[1:] = (high[ordered[1:]] != high[ordered[:-1]]) | (low[ordered[1:]] != low[ordered[:-1]])
    original = np.arange(len(documents))
    original[ordered] = ordered[np.maximum.accumulate(np.where(new, np.arange(len(ordered)), 0))]
    return original


def _count_sizes(sink: Sink, what: str, sizes: Mapping[int, int]) -> None:
    for least, n in sizes.items():
        sink.count(f"{what}{least}", n)


def _count(sink: Sink, outcome: Outcome) -> None:
    sink.count("components.huge", outcome.verified.huge)
    sink.count("verified.signature", outcome.verified.by_signature)
    sink.count("verified.text", outcome.verified.by_text)
    sink.count("compared.text", outcome.verified.compared)
    sink.count("dropped.exact", int((outcome.dropped & ~outcome.near).sum()))
    sink.count("dropped.near", int(outcome.near.sum()))


def _settlement(block: Block, outcome: Outcome) -> Records:
    """What the sidecars say of the documents of a block."""
    documents = block.documents
    out = np.zeros(len(documents), dtype=SETTLED)
    out["part"], out["row"] = documents.part, documents.row
    out["dropped"], out["near"] = outcome.dropped, outcome.near
    out["keeper"], out["component"] = documents.ids.bytes(outcome.keeper), documents.ids.bytes(block.roots)
    out["similarity"] = outcome.verified.similarity[outcome.original]
    out["cluster"] = np.bincount(outcome.keeper, minlength=len(documents))
    return out


def _table(part: Part, participants: npt.NDArray[np.int32], settled: Records, sink: Sink) -> pa.Table:
    """The sidecar of a partition, row-aligned with `extract`. Whoever is not among the settled stays by himself."""
    rows = part.rows["extract"].rows
    takes_part = _spread(np.ones(len(participants), dtype=np.bool_), participants, rows)
    own = np.zeros((rows, 16), dtype=np.uint8)
    first = 0
    for group in part.rows["extract"].groups(("id",)):
        own[first : first + group.num_rows] = matrix(group["id"], "u1")
        first += group.num_rows
    own[settled["row"]] = settled["component"]
    cluster = takes_part.astype(np.int32)
    cluster[settled["row"]] = settled["cluster"]
    dropped, near, keeper, similarity = (
        _spread(settled[name], settled["row"], rows) for name in ("dropped", "near", "keeper", "similarity")
    )
    old = known(part)
    if KNOWN in part.rows:
        sink.count("dropped.known", int(old.there.sum()))
    keeper[old.there], similarity[old.there] = old.ids[old.there], old.similarity[old.there]
    level = np.where(near, "near", np.where(dropped, "exact", np.where(old.there, "known", "")))
    columns = [
        pa.array(takes_part & ~dropped),
        pa.array(level, pa.string()),
        binary(keeper, dropped | old.there),
        pa.array(similarity, pa.float32(), mask=~(dropped | old.there)),
        pa.array(cluster),
        binary(own, takes_part),
    ]
    return pa.table(columns, schema=DEDUP)


def _spread(values: npt.NDArray[Any], row: npt.NDArray[np.int32], rows: int) -> npt.NDArray[Any]:
    """Values at their rows, zero elsewhere; shape (rows, ...)."""
    out = np.zeros((rows, *values.shape[1:]), dtype=values.dtype)
    out[row] = values
    return out
