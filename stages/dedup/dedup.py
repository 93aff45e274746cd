"""Near-duplicate removal over all partitions: verified, deterministic, and with the name of the keeper in every row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stages.base import NEUTRAL, Inputs, Part, Sink, Stage
from stages.columns import binary, matrix
from stages.dedup import summary
from stages.dedup.blocks import Block, Blocks, histogram
from stages.dedup.components import I64, U64, BandRuns
from stages.dedup.enrolled import KNOWN, known_rows
from stages.dedup.fetches import winners
from stages.dedup.host_losses import HostLosses, host_hashes
from stages.dedup.outcome import CODES, LEVELS, Outcome
from stages.dedup.participants import ORDERS, Documents
from stages.dedup.roster import enrol
from stages.dedup.settled import SETTLED, Settled
from stages.dedup.spill import Records
from stages.dedup.verify import Verifier
from stages.parquet import Rows

DEDUP = pa.schema(
    [
        pa.field("keep", pa.bool_(), nullable=False),  # takes part and stays
        pa.field(
            "level", pa.string(), nullable=False
        ),  # why it goes, one of LEVELS, or KNOWN; '' where nothing is dropped here
        pa.field("keeper", pa.binary(16)),  # id of the document that stays for it; null unless dropped
        # Jaccard similarity to the keeper; null unless dropped, and at level url where a text is too short to say.
        pa.field("similarity", pa.float32()),
        pa.field(
            "cluster_size", pa.int32(), nullable=False
        ),  # documents a kept one stands for, itself included; else 0
        pa.field("component", pa.binary(16)),  # smallest id among all it was suspected with; null if it takes no part
    ]
)

# Counters of sizes: with the power of two that a size lies above.
COMPONENTS, CLUSTERS = "components.from.", "clusters.from."

_NAMES = np.array(["", *LEVELS], dtype=object)


@dataclass(frozen=True)
class Dedup(Stage):
    """Keeps one of every set of documents that were measured to be alike.

    Reads all partitions, and the band runs over exactly them as further parts that hold nothing but `bands`. Same
    documents, same answer, for any order of parts and any partitioning: identity is the document id. Documents with
    the same id are suspects like any others, dropped only if their texts are alike, so a crawler's repeated record id
    loses no page. In memory: 10 bytes a participant, and what one block of components takes (`stages/dedup/blocks.py`).
    """

    ngram: int = 5
    similarity: float = 0.8  # Jaccard similarity of character n-gram sets from which two documents are one
    order: tuple[str, ...] = ("rank", "longest", "newest")  # who is kept: ORDERS; then the lowest id
    all_pairs: int = 2000  # components of more distinct documents are compared only along shared band keys
    comparisons: int = 16  # texts a document is compared with, the most alike by signature first, before it is kept
    levels: tuple[str, ...] = ("exact", "near")  # of LEVELS
    # Which fetch of one address stays, whatever the others say; what it leaves open `order` decides.
    url_order: tuple[str, ...] = ("newest",)
    url_similarity: float = 0.0  # from which another fetch goes, by signature; 0: always
    mask_digits: bool = False  # as in `minhash`
    ranges: int = field(
        default=64, metadata=NEUTRAL
    )  # key ranges read one after the other, at least: memory against seeks

    name: ClassVar[str] = "dedup"
    version: ClassVar[int] = 4
    needs: ClassVar[tuple[str, ...]] = ("extract", "edits", "minhash", KNOWN, "bands")
    barrier: ClassVar[bool] = True
    memory_bytes: ClassVar[int] = 2 << 30
    memory_share: ClassVar[float] = 0.02  # 16 bytes a participant, whose inputs are a kilobyte at least

    def __post_init__(self) -> None:
        for what, names, allowed in (
            ("order", self.order, ORDERS),
            ("url_order", self.url_order, ORDERS),
            ("levels", self.levels, LEVELS),
        ):
            if unknown := [name for name in names if name not in allowed]:
                raise ValueError(f"dedup.{what} knows {', '.join(allowed)}, not {', '.join(unknown)}")
        for name in ("ngram", "all_pairs", "comparisons", "ranges"):
            if getattr(self, name) < 1:
                raise ValueError(f"dedup.{name} must be at least 1, not {getattr(self, name)}")
        if not 0 < self.similarity <= 1:
            raise ValueError(f"dedup.similarity must be over 0 and at most 1, not {self.similarity}")
        if not 0 <= self.url_similarity <= 1:
            raise ValueError(f"dedup.url_similarity must be 0 to 1, not {self.url_similarity}")

    @property
    def by_url(self) -> bool:
        return "url" in self.levels

    @property
    def requires(self) -> tuple[str, ...]:
        return (*self.needs, *(("address",) if self.by_url else ()))

    def params(self) -> dict[str, Any]:
        """The order in which levels are written does not count, nor what is said of a level that is off."""
        plain = {name: value for name, value in super().params().items() if self.by_url or not name.startswith("url_")}
        return {**plain, "levels": [name for name in LEVELS if name in self.levels]}

    def outputs(self, inputs: Inputs) -> dict[str, pa.Schema]:
        return {summary.SUMMARY: summary.SCHEMA, **{part.id: DEDUP for part in partitions(inputs)}}

    def run(self, inputs: Inputs, sink: Sink) -> None:
        roster = enrol(partitions(inputs))
        runs = BandRuns.over(roster, band_runs(inputs), self.ranges)
        blocks = Blocks(roster, runs, self.all_pairs, sink.scratch, addresses=self.by_url)
        settled, facts = Settled(roster, blocks.suspected, sink.scratch), summary.Summary(roster, sink.scratch)
        sink.count("participants", len(roster))
        sink.count("components", blocks.components)
        sink.count("largest_component", blocks.largest)
        _count_sizes(sink, COMPONENTS, blocks.sizes)
        _count_sizes(sink, CLUSTERS, {1: len(roster) - int(blocks.suspected.sum())})
        for block in blocks:
            outcome = self._settle(block)
            _count(sink, outcome)
            _count_sizes(sink, CLUSTERS, histogram(np.bincount(outcome.keeper)))
            facts.add(block.documents, block.roots, outcome)
            settled.add(_settlement(block, outcome))
        for index, part in enumerate(roster.parts):
            sink.write(_table(part, index, roster.rows(index), settled.of(index), facts.hosts, sink), to=part.id)
        sink.write(facts.table(runs, blocks.buckets), to=summary.SUMMARY)

    def _settle(self, block: Block) -> Outcome:
        documents, roots = block.documents, block.roots
        places, everyone = documents.places(self.order), np.arange(len(documents))
        winner = everyone
        if self.by_url:
            winner = winners(documents, documents.places((*self.url_order, *self.order)), self.url_similarity)
        exact, near = "exact" in self.levels, "near" in self.levels
        stays = winner == everyone  # an earlier level keeps nobody who is compared from staying
        same = _originals(documents, places, everyone)
        # Where copies are no level of their own, those that can be measured go as `near`: they are 1.0 alike.
        copies = everyone[stays if exact else stays & documents.signed & near]
        original = same if len(copies) == len(everyone) else _originals(documents, places, copies)
        distinct = everyone[stays & (original == everyone) & documents.signed & near]
        distinct = distinct[np.lexsort((places[distinct], roots[distinct]))]

        def keys_of(wanted: npt.NDArray[np.bool_]) -> tuple[U64, I64]:
            keys, numbers = block.keys()
            order = np.argsort(documents.number)
            who = order[np.searchsorted(documents.number[order], numbers)]
            return keys[wanted[who]], who[wanted[who]]

        verifier = Verifier(
            documents, self.similarity, self.ngram, self.all_pairs, self.comparisons, keys_of, self.mask_digits
        )
        return Outcome(winner, original, same, verifier.run(distinct, roots[distinct]), exact)


def partitions(inputs: Inputs) -> list[Part]:
    """The parts that hold documents, by id."""
    return sorted((part for part in inputs.parts if "bands" not in part.rows), key=lambda part: part.id)


def band_runs(inputs: Inputs) -> list[Rows]:
    """The parts that hold nothing but a run of `bands`."""
    return [part.rows["bands"] for part in inputs.parts if "bands" in part.rows]


def _originals(documents: Documents, places: I64, some: I64) -> I64:
    """First in keeper order of `some` documents with the same exact hash, shape (n,); of all others themselves."""
    high, low = documents.exact
    ordered = some[np.lexsort((places[some], low[some], high[some]))]
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
    sink.count("copies", int((outcome.same != np.arange(len(outcome.same))).sum()))  # more than one of a dedup key
    for level, code in CODES.items():
        sink.count(f"dropped.{level}", int((outcome.level == code).sum()))


def _settlement(block: Block, outcome: Outcome) -> Records:
    """What the sidecars say of the documents of a block."""
    documents = block.documents
    out = np.zeros(len(documents), dtype=SETTLED)
    out["part"], out["row"] = documents.part, documents.row
    out["level"] = outcome.level
    out["keeper"], out["component"] = documents.ids.bytes(outcome.keeper), documents.ids.bytes(block.roots)
    out["keeper_part"], out["keeper_row"] = documents.part[outcome.keeper], documents.row[outcome.keeper]
    out["similarity"] = outcome.similarity(documents)
    out["cluster"] = np.bincount(outcome.keeper, minlength=len(documents))
    return out


def _table(
    part: Part, index: int, participants: npt.NDArray[np.int32], settled: Records, hosts: HostLosses, sink: Sink
) -> pa.Table:
    """The sidecar of a partition, row-aligned with `extract`. Whoever is not among the settled stays by himself."""
    rows = part.rows["extract"].rows
    takes_part = _spread(np.ones(len(participants), dtype=np.bool_), participants, rows)
    own, host = np.zeros((rows, 16), dtype=np.uint8), np.zeros(rows, dtype=np.uint64)
    first = 0
    for group in part.rows["extract"].groups(("id", "host")):
        own[first : first + group.num_rows] = matrix(group["id"], "u1")
        host[first : first + group.num_rows] = host_hashes(group["host"])
        first += group.num_rows
    hosts.add(index, host, takes_part, settled)
    own[settled["row"]] = settled["component"]
    cluster = takes_part.astype(np.int32)
    cluster[settled["row"]] = settled["cluster"]
    level, keeper, similarity = (
        _spread(settled[name], settled["row"], rows) for name in ("level", "keeper", "similarity")
    )
    old = known_rows(part)
    if KNOWN in part.rows:
        sink.count("dropped.known", int(old.there.sum()))
    keeper[old.there], similarity[old.there] = old.ids[old.there], old.similarity[old.there]
    dropped = level > 0
    columns = [
        pa.array(takes_part & ~dropped),
        pa.array(np.where(old.there, KNOWN, _NAMES[level]), pa.string()),
        binary(keeper, dropped | old.there),
        pa.array(similarity, pa.float32(), mask=~(dropped | old.there) | np.isnan(similarity)),
        pa.array(cluster),
        binary(own, takes_part),
    ]
    return pa.table(columns, schema=DEDUP)


def _spread(values: npt.NDArray[Any], row: npt.NDArray[np.int32], rows: int) -> npt.NDArray[Any]:
    """Values at their rows, zero elsewhere; shape (rows, ...)."""
    out = np.zeros((rows, *values.shape[1:]), dtype=values.dtype)
    out[row] = values
    return out
