"""The last step: kept documents with their edits applied and their tokens counted anew, then cut into shards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from stages.base import MAIN, PATH, Inputs, Sink, Stage
from stages.digest import sha256_of
from stages.documents import NAMES
from stages.edits import edited
from stages.pii import DEFAULT, KINDS, VERSION, Masked, mask
from stages.spans import apply
from stages.tokens import BUILT_IN, count, vocabulary, vocabulary_path

# Uncompressed text of a row group: small enough for a loader to shuffle by row group, large enough to compress.
GROUP_BYTES = 8 << 20


def release_schema(tokenizer: str) -> pa.Schema:
    """The columns of a shard, in order. `n_tok_<key>` is the token count by the vocabulary of that key."""
    return pa.schema(
        [
            pa.field("id", pa.string(), nullable=False),  # 32 hex digits
            pa.field("text", pa.large_string(), nullable=False),
            pa.field("url", pa.string(), nullable=False),
            pa.field("host", pa.string(), nullable=False),
            pa.field("title", pa.string(), nullable=False),
            pa.field("date", pa.string(), nullable=False),
            pa.field("source", pa.string(), nullable=False),
            pa.field(
                "license", pa.string(), nullable=False
            ),  # of the document, else of the source as the recipe states it
            pa.field("page_license", pa.string(), nullable=False),  # as the page itself states it
            pa.field("policy", pa.string(), nullable=False),  # noai, noindex, ... as the page or its server say
            pa.field("characters", pa.int32(), nullable=False),  # code points of `text`
            pa.field(f"n_tok_{vocabulary(tokenizer).key}", pa.int32(), nullable=False),
            pa.field("japanese", pa.float32(), nullable=False),  # language score, 0 to 1
            pa.field("cluster_size", pa.int32(), nullable=False),  # documents this one stands for, itself included
            pa.field(
                "record", pa.string(), nullable=False
            ),  # the id it has in its source: WARC-Record-ID, an id column
            pa.field("page_id", pa.int64(), nullable=False),  # of a wiki: the page and its revision; else 0
            pa.field("revision_id", pa.int64(), nullable=False),
            pa.field("categories", NAMES, nullable=False),  # of an article
            pa.field("origin", pa.string(), nullable=False),  # first 16 hex digits of the input's sha256
            pa.field("file", pa.string(), nullable=False),  # the WARC file, as it calls itself
            pa.field("offset", pa.int64(), nullable=False),  # where in it the record lies
            pa.field("length", pa.int64(), nullable=False),  # and how many bytes it has there
        ]
    )


# Columns of `extract` that the release has as they are.
_AS_EXTRACTED = (
    *("url", "host", "title", "date", "page_license", "policy", "record", "page_id", "revision_id", "categories"),
    *("origin", "file", "offset", "length"),
)


@dataclass(frozen=True)
class Write(Stage):
    """The release rows of one partition."""

    source: str = ""
    license: str = ""
    tokenizer: str = field(default=BUILT_IN, metadata=PATH)
    pii: tuple[str, ...] = DEFAULT  # kinds that are masked in texts and titles
    without_templates: bool = False  # there is a sidecar that says which lines to leave out

    name: ClassVar[str] = "write"
    version: ClassVar[int] = 5
    libraries: ClassVar[tuple[str, ...]] = ("tiktoken",)
    needs: ClassVar[tuple[str, ...]] = ("extract", "edits", "language", "tokens", "verdict", "dedup")

    @property
    def requires(self) -> tuple[str, ...]:
        return (*self.needs, "line-masks") if self.without_templates else self.needs

    def params(self) -> dict[str, Any]:
        pii = [kind for kind in KINDS if kind in self.pii]
        return {
            "source": self.source,
            "license": self.license,
            "tokenizer": vocabulary(self.tokenizer).key,
            "pii": {"version": VERSION, "kinds": pii} if pii else {},
            **({"without_templates": True} if self.without_templates else {}),
        }

    def resources(self) -> dict[str, str]:
        return {"tokenizer": sha256_of(vocabulary_path(self.tokenizer))}

    def outputs(self, inputs: Inputs) -> dict[str, pa.Schema]:
        return {MAIN: release_schema(self.tokenizer)}

    def run(self, inputs: Inputs, sink: Sink) -> None:
        columns = {
            "extract": ("id", "text", "via", "license", *_AS_EXTRACTED),
            "edits": ("edits",),
            "language": ("japanese",),
            "tokens": ("characters", "tokens"),
            "verdict": ("keep",),
            "dedup": ("keep", "level", "cluster_size"),
            **({"line-masks": ("spans", "lines", "characters", "reason")} if self.without_templates else {}),
        }
        for batch in inputs.part.groups(columns):
            keep = self._funnel(sink, batch)
            table = self._final({stage: table.filter(keep) for stage, table in batch.items()}, sink)
            self._tell(sink, batch["extract"].filter(keep))
            sink.count("written", table.num_rows)
            sink.count("written.characters", _sum(table["characters"]))
            sink.count("written.tokens", _sum(table[f"n_tok_{vocabulary(self.tokenizer).key}"]))
            for license, n in Counter(table["license"].to_pylist()).items():
                sink.count(f"license.{license}", n)
            sink.count("written.bytes", sum(len(text.encode()) for text in table["text"].to_pylist()))
            sink.write(table)

    def _funnel(self, sink: Sink, batch: Mapping[str, pa.Table]) -> pa.ChunkedArray:
        """Counts who goes and why; returns who is written."""
        verdict, dedup = batch["verdict"]["keep"], batch["dedup"]
        left = pc.and_(verdict, dedup["keep"])
        sizes = batch["tokens"].filter(left)
        sink.count("documents", _sum(verdict))
        sink.count("deduplicated", sizes.num_rows)
        sink.count("deduplicated.characters", _sum(sizes["characters"]))
        sink.count("deduplicated.tokens", _sum(sizes["tokens"]))
        for dropped in dedup["level"].filter(pc.and_(verdict, pc.invert(left))).to_pylist():
            sink.reason(f"dedup.{dropped}")
        keep = left
        if self.without_templates:
            masks = batch["line-masks"]
            for reason in pc.filter(masks["reason"], pc.and_(left, pc.not_equal(masks["reason"], ""))).to_pylist():
                sink.reason(reason)
            keep = pc.and_(left, pc.equal(masks["reason"], ""))
            written = masks.filter(keep)
            sink.count("template.documents", _sum(pc.greater(written["lines"], 0)))
            sink.count("template.lines", _sum(written["lines"]))
            sink.count("template.characters", _sum(written["characters"]))
        sink.count("kept", _sum(keep))
        return keep

    def _tell(self, sink: Sink, kept: pa.Table) -> None:
        """Counts for the manifest: what came by a sample, and what pages say of their use."""
        sink.count("via.gate", _sum(pc.equal(kept["via"], "gate")))
        sink.count("via.index", _sum(pc.equal(kept["via"], "index")))
        for signal, n in Counter(signal for policy in kept["policy"].to_pylist() for signal in policy.split()).items():
            sink.count(f"policy.{signal}", n)

    def _final(self, kept: Mapping[str, pa.Table], sink: Sink) -> pa.Table:
        extract = kept["extract"]
        texts = list(edited(extract["text"], kept["edits"]["edits"]))
        if self.without_templates:
            spans = kept["line-masks"]["spans"].to_pylist()
            texts = [_without(text, left_out) for text, left_out in zip(texts, spans, strict=True)]
        texts = self._masked(texts, sink)
        return pa.table(
            {
                "id": pa.array([id.hex() for id in extract["id"].to_pylist()], pa.string()),
                "text": pa.array(texts, pa.large_string()),
                "characters": pa.array([len(text) for text in texts], pa.int32()),
                f"n_tok_{vocabulary(self.tokenizer).key}": pa.array(count(texts, self.tokenizer), pa.int32()),
                "source": pa.array([self.source] * len(texts), pa.string()),
                "license": pa.array([own or self.license for own in extract["license"].to_pylist()], pa.string()),
                "japanese": kept["language"]["japanese"].cast(pa.float32()),
                "cluster_size": kept["dedup"]["cluster_size"],
                **{name: extract[name] for name in _AS_EXTRACTED},
                "title": pa.array(self._masked(extract["title"].to_pylist(), sink), pa.string()),
            }
        )

    def _masked(self, texts: list[str], sink: Sink) -> list[str]:
        masked: list[Masked] = [mask(text, self.pii) for text in texts]
        for kind, n in ((kind, n) for each in masked for kind, n in each.counts.items()):
            sink.count(f"pii.{kind}", n)
        return [each.text for each in masked]


def _without(text: str, spans: Sequence[Mapping[str, int]]) -> str:
    return apply(text, [(span["start"], span["end"], "") for span in spans])


@dataclass(frozen=True)
class Shards(Stage):
    """Cuts the release rows of one source into files of about `megabytes` MB of text, in the order of the parts.

    Where a shard ends depends on the rows before it and on nothing else.
    """

    megabytes: int = 256  # uncompressed text: about 100 MB on disk
    tokenizer: str = field(default=BUILT_IN, metadata=PATH)

    name: ClassVar[str] = "shards"
    version: ClassVar[int] = 3
    needs: ClassVar[tuple[str, ...]] = ("write",)
    barrier: ClassVar[bool] = True
    group_rows: ClassVar[int] = 1 << 30  # row groups end where `_row_groups` cuts them

    def __post_init__(self) -> None:
        if self.megabytes < 1:
            raise ValueError(f"shards.megabytes must be at least 1, not {self.megabytes}")

    def params(self) -> dict[str, Any]:
        return {"megabytes": self.megabytes, "group_bytes": GROUP_BYTES}

    def outputs(self, inputs: Inputs) -> dict[str, pa.Schema]:
        return {}

    @property
    def further(self) -> pa.Schema:  # type: ignore[override]
        return release_schema(self.tokenizer)

    def run(self, inputs: Inputs, sink: Sink) -> None:
        shard, filled = 0, 0
        for table, size in _row_groups(_tables(inputs)):
            if filled and filled + size > self.megabytes << 20:
                shard, filled = shard + 1, 0
            name = f"{shard:05d}"
            sink.write(table, to=name, cut=True)
            filled += size
            sink.count(f"{name}.characters", _sum(table["characters"]))
            sink.count(f"{name}.tokens", _sum(table[f"n_tok_{vocabulary(self.tokenizer).key}"]))
            sink.count(f"{name}.text_bytes", size)
            sink.count(f"{name}.row_groups")


def _tables(inputs: Inputs) -> Iterator[pa.Table]:
    for part in inputs.parts:
        yield from part.rows["write"].groups()


def _row_groups(tables: Iterator[pa.Table]) -> Iterator[tuple[pa.Table, int]]:
    """Rows regrouped so that each group holds at most GROUP_BYTES of text (or one longer document)."""
    pending: list[pa.Table] = []
    size = 0
    for table in tables:
        start = 0
        for row, length in enumerate(pc.binary_length(table["text"]).to_pylist()):
            if size and size + length > GROUP_BYTES:
                yield pa.concat_tables([*pending, table.slice(start, row - start)]), size
                pending, start, size = [], row, 0
            size += length
        pending.append(table.slice(start))
    if any(table.num_rows for table in pending):
        yield pa.concat_tables(pending), size


def _sum(column: pa.ChunkedArray) -> int:
    return int(pc.sum(column.cast(pa.int64())).as_py() or 0)
