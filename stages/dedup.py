"""Near-duplicate removal over all partitions: verified, deterministic, and with the name of the keeper in every row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stages.base import NEUTRAL, InputError, Inputs, Part, Sink, Stage
from stages.columns import binary
from stages.components import I64, U64, components, shared_keys
from stages.parquet import Rows
from stages.participants import ORDERS, Documents, participants
from stages.verify import Verified, Verifier

LEVELS = {"exact": "the same dedup key as its keeper", "near": "measured to be alike enough to its keeper"}

DEDUP = pa.schema(
    [
        pa.field("keep", pa.bool_(), nullable=False),  # takes part and stays
        pa.field("level", pa.string(), nullable=False),  # why it goes, one of LEVELS; '' where nothing is dropped here
        pa.field("keeper", pa.binary(16)),  # id of the document that stays for it; null unless dropped
        pa.field("similarity", pa.float32()),  # Jaccard similarity to the keeper; null unless dropped
        pa.field(
            "cluster_size", pa.int32(), nullable=False
        ),  # documents a kept one stands for, itself included; else 0
        pa.field("component", pa.binary(16)),  # smallest id among all it was suspected with; null if it takes no part
    ]
)

WIPEOUT_FROM = 100  # participants: below this a source of copies is no sign of a mistake


class WipeOutError(InputError):
    """A source would lose nearly everything: more often a mistake in the recipe than a source of duplicates."""


@dataclass(frozen=True)
class Dedup(Stage):
    """Keeps one of every set of documents that were measured to be alike.

    Reads all partitions, and the band runs over exactly them as further parts that hold nothing but `bands`. Same
    documents, same answer, for any order of parts and any partitioning: identity is the document id. Documents with
    the same id are suspects like any others, dropped only if their texts are alike, so a crawler's repeated record id
    loses no page.
    """

    ngram: int = 5
    similarity: float = 0.8  # Jaccard similarity of character n-gram sets from which two documents are one
    order: tuple[str, ...] = ("rank", "longest", "newest")  # who is kept: ORDERS; then the lowest id
    all_pairs: int = 2000  # components of more distinct documents are compared only along shared band keys
    comparisons: int = 16  # texts a document is compared with, the most alike by signature first, before it is kept
    wipeout: float = field(default=0.9, metadata=NEUTRAL)  # share a source may lose; 1 turns the alarm off
    ranges: int = field(default=64, metadata=NEUTRAL)  # key ranges read one after the other: memory against seeks

    name: ClassVar[str] = "dedup"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("extract", "edits", "minhash", "bands")
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
        documents = participants(partitions(inputs))
        runs = band_runs(inputs)
        _check_complete(documents, runs)
        roots = components(documents.ids, runs, self.ranges)
        outcome = self._settle(documents, roots, runs)
        _count(sink, documents, roots, outcome)
        self._alarm(documents, outcome)
        for part, table in _tables(documents, roots, outcome):
            sink.write(table, to=part.id)

    def _settle(self, documents: Documents, roots: I64, runs: Sequence[Rows]) -> Outcome:
        places = documents.places(self.order)
        suspected = np.flatnonzero(np.bincount(roots, minlength=len(roots))[roots] > 1)
        original = _originals(documents, places, suspected)
        distinct = suspected[(original[suspected] == suspected) & documents.signed[suspected]]
        distinct = distinct[np.lexsort((places[distinct], roots[distinct]))]

        def keys_of(wanted: npt.NDArray[np.bool_]) -> tuple[U64, I64]:
            found = [
                (keys[wanted[numbers]], numbers[wanted[numbers]])
                for keys, numbers in shared_keys(documents.ids, runs, self.ranges)
            ]
            return np.concatenate([keys for keys, _ in found]), np.concatenate([numbers for _, numbers in found])

        verifier = Verifier(documents, self.similarity, self.ngram, self.all_pairs, self.comparisons, keys_of)
        return Outcome(original, verifier.run(distinct, roots[distinct]))

    def _alarm(self, documents: Documents, outcome: Outcome) -> None:
        sources = np.array([part.source for part in documents.parts])[documents.part]
        for source in sorted({part.source for part in documents.parts}):
            of_source = sources == source
            total, lost = int(of_source.sum()), outcome.dropped & of_source
            if total >= WIPEOUT_FROM and lost.sum() > self.wipeout * total:
                keepers, times = np.unique(outcome.keeper[lost], return_counts=True)
                most = int(keepers[times.argmax()])
                keeper = documents.parts[documents.part[most]]
                url = keeper.rows["extract"].take(documents.row[[most]].astype(np.int64), ("url",))["url"][0]
                raise WipeOutError(
                    f"source {source!r} would lose {lost.sum() / total:.1%} of its {total} documents as duplicates, over "
                    f"dedup.wipeout = {self.wipeout:g}; most often ({times.max()}) to {url} of source "
                    f"{keeper.source!r}: set dedup.wipeout = 1 if that is meant"
                )


@dataclass(frozen=True)
class Outcome:
    """What becomes of n documents; all arrays are of shape (n,)."""

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


def _check_complete(documents: Documents, runs: Sequence[Rows]) -> None:
    """Every document has one exact key and, if signed, the same number of band keys: a run left out shows here."""
    banded, signed = sum(run.rows for run in runs) - len(documents), int(documents.signed.sum())
    if banded < signed or (banded % signed if signed else banded):
        raise AssertionError(
            f"the {len(runs)} band runs hold {banded + len(documents)} keys, which does not fit {len(documents)} "
            f"documents, {signed} of them with signatures: runs of other inputs, or one is missing"
        )


def _count(sink: Sink, documents: Documents, roots: I64, outcome: Outcome) -> None:
    sizes = np.bincount(roots)
    sink.count("participants", len(documents))
    sink.count("components", int((sizes > 1).sum()))
    sink.count("components.huge", outcome.verified.huge)
    sink.count("largest_component", int(sizes.max(initial=0)))
    sink.count("verified.signature", outcome.verified.by_signature)
    sink.count("verified.text", outcome.verified.by_text)
    sink.count("compared.text", outcome.verified.compared)
    sink.count("dropped.exact", int((outcome.dropped & ~outcome.near).sum()))
    sink.count("dropped.near", int(outcome.near.sum()))


def _tables(documents: Documents, roots: I64, outcome: Outcome) -> Iterator[tuple[Part, pa.Table]]:
    """The sidecar of every partition, row-aligned with `extract`."""
    cluster = np.bincount(outcome.keeper, minlength=len(documents))
    ordered = np.lexsort((documents.row, documents.part))
    bounds = np.searchsorted(documents.part[ordered], np.arange(len(documents.parts) + 1))
    for part, (start, end) in zip(documents.parts, pairwise(bounds), strict=True):
        numbers = ordered[start:end]
        yield part, _table(documents, numbers, roots[numbers], cluster[numbers], outcome, part.rows["extract"].rows)


def _table(documents: Documents, numbers: I64, roots: I64, cluster: I64, outcome: Outcome, rows: int) -> pa.Table:
    """`rows` rows; the participants are `numbers`, with components `roots` and cluster sizes `cluster`."""
    row = documents.row[numbers]
    dropped, near = (_spread(flag[numbers], row, rows) for flag in (outcome.dropped, outcome.near))
    keeper = np.zeros((rows, 16), dtype=np.uint8)
    keeper[row] = documents.ids.bytes(outcome.keeper[numbers])
    component = np.zeros((rows, 16), dtype=np.uint8)
    component[row] = documents.ids.bytes(roots)
    takes_part = _spread(np.ones(len(row), dtype=np.bool_), row, rows)
    similarity = _spread(outcome.verified.similarity[outcome.original[numbers]], row, rows)
    columns = [
        pa.array(takes_part & ~dropped),
        pa.array(np.where(near, "near", np.where(dropped, "exact", "")), pa.string()),
        binary(keeper, dropped),
        pa.array(similarity, pa.float32(), mask=~dropped),
        pa.array(_spread(cluster, row, rows).astype(np.int32)),
        binary(component, takes_part),
    ]
    return pa.table(columns, schema=DEDUP)


def _spread(values: npt.NDArray[Any], row: npt.NDArray[np.int32], rows: int) -> npt.NDArray[Any]:
    """Values of the participants at their rows, zero elsewhere; shape (rows,)."""
    out = np.zeros(rows, dtype=values.dtype)
    out[row] = values
    return out
