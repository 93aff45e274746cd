"""Near-duplicate removal over all partitions: verified, deterministic, and with the name of the keeper in every row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stages import dedup_summary as summary
from stages.ahead import Ahead, ahead, by_part, estimates
from stages.base import NEUTRAL, Inputs, Part, Sink, Stage
from stages.columns import binary
from stages.components import I64, U64, components, shared_keys
from stages.parquet import Rows
from stages.participants import ORDERS, Documents, participants
from stages.verify import Verified, Verifier

# In the order in which they are looked at; the code of a level is its place from 1.
LEVELS = {
    "url": "an older fetch of an address that a kept document has",
    "known": "a document of an index says the same",
    "exact": "the same dedup key as its keeper",
    "near": "measured to be alike enough to its keeper",
}
CHOICE = ("url", "exact", "near")  # levels that a recipe turns on and off; `known` comes with an index
SUMMARY = "summary"  # output beside those of the partitions: what alarms and the manifest are made from
_NAMES = np.array(["", *LEVELS], dtype=object)

DEDUP = pa.schema(
    [
        pa.field("keep", pa.bool_(), nullable=False),  # takes part and stays
        pa.field("level", pa.string(), nullable=False),  # why it goes, one of LEVELS; '' where nothing is dropped here
        pa.field("keeper", pa.binary(16)),  # id of the document that stays for it; null unless dropped
        # Jaccard similarity to the keeper; null unless dropped, and at level url where a text is too short to say.
        pa.field("similarity", pa.float32()),
        pa.field(
            "cluster_size", pa.int32(), nullable=False
        ),  # documents a kept one stands for, itself included; else 0
        pa.field("component", pa.binary(16)),  # smallest id among all it was suspected with; null if it takes no part
    ]
)


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
    levels: tuple[str, ...] = ("exact", "near")  # of CHOICE
    url_order: tuple[str, ...] = ("newest",)  # which fetch of one address stays; then `order`
    url_similarity: float = 0.0  # an older fetch goes only if it is so like the one that stays, by signature
    mask_digits: bool = False  # as in `minhash`
    against: bool = False  # the parts hold `known`: what indexes of other corpora know
    ranges: int = field(default=64, metadata=NEUTRAL)  # key ranges read one after the other: memory against seeks

    name: ClassVar[str] = "dedup"
    version: ClassVar[int] = 2
    needs: ClassVar[tuple[str, ...]] = ("extract", "edits", "minhash", "bands")
    barrier: ClassVar[bool] = True

    @property
    def requires(self) -> tuple[str, ...]:
        return (*self.needs, *(("address",) if self.by_url else ()), *(("known",) if self.against else ()))

    @property
    def by_url(self) -> bool:
        return "url" in self.levels

    def __post_init__(self) -> None:
        for what, names, known in (
            ("order", self.order, ORDERS),
            ("url_order", self.url_order, ORDERS),
            ("levels", self.levels, CHOICE),
        ):
            if unknown := [name for name in names if name not in known]:
                raise ValueError(f"dedup.{what} knows {', '.join(known)}, not {', '.join(unknown)}")
        for name in ("ngram", "all_pairs", "comparisons", "ranges"):
            if getattr(self, name) < 1:
                raise ValueError(f"dedup.{name} must be at least 1, not {getattr(self, name)}")
        if not 0 < self.similarity <= 1:
            raise ValueError(f"dedup.similarity must be over 0 and at most 1, not {self.similarity}")
        if not 0 <= self.url_similarity <= 1:
            raise ValueError(f"dedup.url_similarity must be 0 to 1, not {self.url_similarity}")

    def params(self) -> dict[str, Any]:
        levels = [name for name in CHOICE if name in self.levels]
        by_url = {"order": list(self.url_order), "similarity": self.url_similarity} if self.by_url else {}
        plain = {name: value for name, value in super().params().items() if not name.startswith("url_")}
        return {**plain, "levels": levels, "by_url": by_url}

    def outputs(self, inputs: Inputs) -> dict[str, pa.Schema]:
        return {SUMMARY: summary.SCHEMA, **{part.id: DEDUP for part in partitions(inputs)}}

    def run(self, inputs: Inputs, sink: Sink) -> None:
        documents = participants(partitions(inputs))
        runs = band_runs(inputs)
        _check_complete(documents, runs)
        roots = components(documents.ids, runs, self.ranges)
        url_order = (*self.url_order, *self.order) if self.by_url else None
        gone = ahead(documents, url_order, self.url_similarity, known=self.against)
        outcome = self._settle(documents, roots, runs, gone)
        _count(sink, documents, roots, outcome)
        sink.write(summary.of(documents, roots, outcome), to=SUMMARY)
        for part, table in _tables(documents, roots, outcome):
            sink.write(table, to=part.id)

    def _settle(self, documents: Documents, roots: I64, runs: Sequence[Rows], gone: Ahead) -> Outcome:
        places = documents.places(self.order)
        stays = gone.stays
        suspected = np.flatnonzero((np.bincount(roots, minlength=len(roots))[roots] > 1) & stays)
        # Where copies are no level of their own, those that can be measured go as `near`: they are 1.0 alike.
        copies = suspected if "exact" in self.levels else suspected[documents.signed[suspected] & self._near]
        original = _originals(documents, places, copies)
        distinct = suspected[(original[suspected] == suspected) & documents.signed[suspected] & self._near]
        distinct = distinct[np.lexsort((places[distinct], roots[distinct]))]
        buckets = summary.Buckets()

        def keys_of(wanted: npt.NDArray[np.bool_]) -> tuple[U64, I64]:
            found = [
                (keys[wanted[numbers]], numbers[wanted[numbers]])
                for keys, numbers in shared_keys(documents.ids, runs, self.ranges)
            ]
            for keys, numbers in found:
                buckets.add(keys, numbers)
            return np.concatenate([keys for keys, _ in found]), np.concatenate([numbers for _, numbers in found])

        verifier = Verifier(
            documents, self.similarity, self.ngram, self.all_pairs, self.comparisons, keys_of, self.mask_digits
        )
        return Outcome(gone, original, verifier.run(distinct, roots[distinct]), "exact" in self.levels, buckets)

    @property
    def _near(self) -> bool:
        return "near" in self.levels


@dataclass(frozen=True)
class Outcome:
    """What becomes of n documents; all arrays are of shape (n,)."""

    ahead: Ahead  # who was out before texts were compared
    original: I64  # first in keeper order of those with the same dedup key
    verified: Verified  # what became of the originals
    exact: bool  # copies are a level of their own
    buckets: summary.Buckets

    @cached_property
    def _compared(self) -> I64:
        """Who stays by text. A copy goes where its original goes: their n-grams are the same."""
        return self.verified.keeper[self.original]

    @cached_property
    def keeper(self) -> I64:
        """Who stays for each document, or itself; an older fetch goes where the newest of its address goes."""
        return self._compared[self.ahead.winner]

    @cached_property
    def level(self) -> npt.NDArray[np.uint8]:
        """Place of the level in LEVELS from 1, 0 where it stays or an index does not know it."""
        everyone = np.arange(len(self.original))
        level = np.zeros(len(everyone), dtype=np.uint8)
        level[self.original != everyone] = CODES["exact" if self.exact else "near"]
        level[self._compared != self.original] = CODES["near"]
        level[self.ahead.winner != everyone] = CODES["url"]
        level[self.ahead.known] = CODES["known"]
        return level

    @cached_property
    def dropped(self) -> npt.NDArray[np.bool_]:
        dropped: npt.NDArray[np.bool_] = self.level > 0
        return dropped

    @cached_property
    def dropped_to_index(self) -> npt.NDArray[np.bool_]:
        """What an index knows, and older fetches of it."""
        known = np.zeros(len(self.original), dtype=np.bool_)
        known[self.ahead.known] = True
        there: npt.NDArray[np.bool_] = known[self.keeper]
        return there

    def similarity(self, documents: Documents) -> npt.NDArray[np.float32]:
        """To the keeper; NaN where that cannot be said."""
        alike: npt.NDArray[np.float32] = self.verified.similarity[self.original]
        alike[self.ahead.known] = self.ahead.known_similarity
        older = np.flatnonzero(self.level == CODES["url"])
        alike[older] = estimates(documents, older, self.keeper[older])
        return alike

    def keeper_ids(self, documents: Documents, numbers: I64) -> npt.NDArray[np.uint8]:
        """Ids of who stays for these documents, in this run or in an index, shape (m, 16)."""
        keeper = self.keeper[numbers]
        ids = documents.ids.bytes(keeper)
        place = np.searchsorted(self.ahead.known, keeper)
        known = np.flatnonzero(np.isin(keeper, self.ahead.known))
        ids[known] = self.ahead.known_id[place[known]]
        return ids


CODES = {name: code for code, name in enumerate(LEVELS, 1)}


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
    for name, code in CODES.items():
        sink.count(f"dropped.{name}", int((outcome.level == code).sum()))
    sink.count("unsigned", len(documents) - int(documents.signed.sum()))


def _tables(documents: Documents, roots: I64, outcome: Outcome) -> Iterator[tuple[Part, pa.Table]]:
    """The sidecar of every partition, row-aligned with `extract`."""
    cluster = clusters(outcome)
    similarity = outcome.similarity(documents)
    for place, numbers in by_part(documents):
        part = documents.parts[place]
        columns = _Columns(documents.row[numbers], part.rows["extract"].rows)
        dropped = columns.spread(outcome.dropped[numbers])
        takes_part = columns.spread(np.ones(len(numbers), dtype=np.bool_))
        alike = columns.spread(similarity[numbers])
        yield (
            part,
            pa.table(
                [
                    pa.array(takes_part & ~dropped),
                    pa.array(_NAMES[columns.spread(outcome.level[numbers])], pa.string()),
                    binary(columns.spread(outcome.keeper_ids(documents, numbers)), dropped),
                    pa.array(alike, pa.float32(), mask=~dropped | np.isnan(alike)),
                    pa.array(columns.spread(cluster[numbers]).astype(np.int32)),
                    binary(columns.spread(documents.ids.bytes(roots[numbers])), takes_part),
                ],
                schema=DEDUP,
            ),
        )


def clusters(outcome: Outcome) -> I64:
    """How many documents each one stands for, itself included; 0 for those that go, shape (n,)."""
    cluster = np.bincount(outcome.keeper, minlength=len(outcome.keeper))
    cluster[outcome.dropped] = 0  # also of what an index knows: older fetches of it stand for the document there
    return cluster


@dataclass(frozen=True)
class _Columns:
    """Puts values of a partition's participants at their rows, zero elsewhere."""

    row: npt.NDArray[np.int32]
    rows: int

    def spread(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        out = np.zeros((self.rows, *values.shape[1:]), dtype=values.dtype)
        out[self.row] = values
        return out
