"""The last step for documents: those kept, with their edits applied and their tokens counted anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from stages.base import MAIN, NEUTRAL, InputError, Inputs, Sink, Stage
from stages.borne import attempts
from stages.documents import ERASED, NAMES
from stages.edits.edits import edited
from stages.measure.judge import ERROR, UNWRITTEN, measured_by
from stages.measure.vocabulary import Named
from stages.pii.pii import DEFAULT, KINDS, VERSION, mask
from stages.release.left_out import staying
from stages.release.repeat import COLUMN, Steps
from stages.release.repeat import column as repeats
from stages.release.splits import TRAIN, Shares, splits_of
from stages.spans import apply

TEMPLATES = "line-masks"  # key of the sidecar that says which lines to leave out


def release_schema(tokenizers: Sequence[Named], values: Sequence[str] = (), repeat: bool = False) -> pa.Schema:
    """The columns of a shard, in order. `n_tok_<key>` is the token count by the tokenizer of that key; `values` are the
    codes of measures that the recipe wants beside the text, null where a source was not measured; `repeat`: whether the
    recipe says how often documents are to be seen."""
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
            *(pa.field(tokenizer.column, pa.int32(), nullable=False) for tokenizer in tokenizers),
            pa.field("japanese", pa.float32(), nullable=False),  # language score, 0 to 1
            *(pa.field(code, pa.float32()) for code in values),
            pa.field("cluster_size", pa.int32(), nullable=False),  # documents this one stands for, itself included
            *([pa.field(COLUMN, pa.int32(), nullable=False)] if repeat else []),  # times to train on it
            pa.field("split", pa.string(), nullable=False),  # train, validation or test
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


class _Final(NamedTuple):
    """What the release has of a document."""

    text: str
    title: str
    tokens: tuple[int, ...]  # by each tokenizer of the recipe
    masked: Counter[str]  # kind of personal data -> how often


@dataclass(frozen=True)
class Write(Stage):
    """The release rows of one partition."""

    source: str = ""
    license: str = ""
    tokenizers: tuple[Named, ...] = field(default=(Named(),), metadata=NEUTRAL)
    pii: tuple[str, ...] = DEFAULT  # kinds that are masked in texts and titles
    splits: Shares = ()
    after: tuple[str, ...] = ()  # keys of the LEFT_OUT sidecars that have a say
    values: tuple[str, ...] = ()  # codes of measures that become columns
    measured: bool = True  # whether this source has measures
    steps: Steps = ()  # of [repeat]; with them the rows have the column

    name: ClassVar[str] = "write"
    version: ClassVar[int] = 6
    needs: ClassVar[tuple[str, ...]] = ("extract", "edits", "language", "tokens", "verdict", "dedup")

    def params(self) -> dict[str, Any]:
        pii = [kind for kind in KINDS if kind in self.pii]
        return {
            "source": self.source,
            "license": self.license,
            "tokenizers": [tokenizer.key for tokenizer in self.tokenizers],
            "splits": [list(share) for share in self.splits],
            "after": list(self.after),
            "values": list(self.values) if self.measured else [list(self.values), "null"],
            "pii": {"version": VERSION, "kinds": pii} if pii else {},
            **({"repeat": [list(step) for step in self.steps]} if self.steps else {}),
        }

    @property
    def libraries(self) -> tuple[str, ...]:  # type: ignore[override]
        return tuple(sorted({tokenizer.load().library for tokenizer in self.tokenizers}))

    @property
    def requires(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.needs, *self.after, *(measured_by(code) for code in self._measured))))

    @property
    def _measured(self) -> tuple[str, ...]:
        return self.values if self.measured else ()

    @property
    def _schema(self) -> pa.Schema:
        return release_schema(self.tokenizers, self.values, repeat=bool(self.steps))

    def resources(self) -> dict[str, str]:
        return {tokenizer.column: tokenizer.resource() for tokenizer in self.tokenizers}

    def outputs(self, inputs: Inputs) -> dict[str, pa.Schema]:
        return {MAIN: self._schema}

    def run(self, inputs: Inputs, sink: Sink) -> None:
        """Rows of TRAIN as they come, those of the held-out splits behind them in row groups of their own, so that a
        reader of one split need not read the others."""
        held_out: dict[str, list[pa.Table]] = {name: [] for name, _ in self.splits}
        for table in self._tables(inputs, sink):
            for name in (TRAIN, *held_out):
                rows = table.filter(pc.equal(table["split"], name)) if self.splits else table
                if not rows.num_rows:
                    continue
                sink.count(f"written.bytes.{name}", _sum(pc.binary_length(rows["text"])))
                if name == TRAIN:
                    sink.write(rows)
                else:
                    held_out[name].append(rows)
        for tables in held_out.values():
            if tables:
                sink.write(self._schema.empty_table(), cut=True)
                sink.write(pa.concat_tables(tables), cut=True)

    def _tables(self, inputs: Inputs, sink: Sink) -> Iterator[pa.Table]:
        columns: dict[str, Sequence[str]] = {
            "extract": ("id", "text", "reason", "via", "license", *_AS_EXTRACTED),
            "edits": ("edits",),
            "language": ("japanese",),
            "tokens": ("characters", "tokens"),
            "verdict": ("keep",),
            "dedup": ("keep", "level", "cluster_size", "component"),
            **dict.fromkeys(self.after, ("keep", "reason")),
        }
        if TEMPLATES in self.after:
            columns[TEMPLATES] = ("keep", "reason", "spans", "lines", "characters")
        for code in self._measured:
            columns[measured_by(code)] = (*columns.get(measured_by(code), ()), code)
        for batch in inputs.part.groups(columns):
            keep = staying(batch, ("verdict", "dedup", *self.after))
            _refuse_erased(batch["extract"].filter(keep))
            finals = self._finals({stage: table.filter(keep) for stage, table in batch.items()}, sink)
            if None in finals:
                sink.reason(UNWRITTEN, finals.count(None))
                keep = _less(keep, finals)
            self._funnel(sink, batch, keep)
            kept = {stage: table.filter(keep) for stage, table in batch.items()}
            table = self._final(kept, [final for final in finals if final is not None], sink)
            self._tell(sink, kept["extract"])
            sink.count("written", table.num_rows)
            sink.count("written.characters", _sum(table["characters"]))
            sink.count("written.tokens", _sum(table[self.tokenizers[0].column]))
            for license, n in Counter(table["license"].to_pylist()).items():
                sink.count(f"license.{license}", n)
            yield table

    def _funnel(self, sink: Sink, batch: Mapping[str, pa.Table], keep: pa.ChunkedArray) -> None:
        sizes, verdict = batch["tokens"].filter(keep), batch["verdict"]["keep"]
        sink.count("documents", _sum(verdict))
        sink.count("kept", sizes.num_rows)
        sink.count("kept.characters", _sum(sizes["characters"]))
        sink.count("kept.tokens", _sum(sizes["tokens"]))
        dedup = pc.and_(verdict, batch["dedup"]["keep"])
        unique = batch["tokens"].filter(dedup)
        sink.count("unique", unique.num_rows)
        sink.count("unique.characters", _sum(unique["characters"]))
        sink.count("unique.tokens", _sum(unique["tokens"]))
        for dropped in batch["dedup"]["level"].filter(pc.and_(verdict, pc.invert(dedup))).to_pylist():
            sink.reason(f"dedup.{dropped or ERROR}")  # without a level it took no part: `minhash` could not read it
        stays = dedup
        for key in self.after:  # each speaks of what those before it kept
            goes = pc.and_(stays, pc.invert(batch[key]["keep"]))
            for reason, n in Counter(batch[key]["reason"].filter(goes).to_pylist()).items():
                sink.reason(reason, n)
            stays = pc.and_(stays, batch[key]["keep"])

    def _tell(self, sink: Sink, kept: pa.Table) -> None:
        """Counts for the manifest: what came by a sample, and what pages say of their use."""
        sink.count("via.gate", _sum(pc.equal(kept["via"], "gate")))
        sink.count("via.index", _sum(pc.equal(kept["via"], "index")))
        for signal, n in Counter(signal for policy in kept["policy"].to_pylist() for signal in policy.split()).items():
            sink.count(f"policy.{signal}", n)

    def _finals(self, kept: Mapping[str, pa.Table], sink: Sink) -> list[_Final | None]:
        """Text, title and token counts of each document; None of one that cannot be masked or counted, which is quarantined."""
        extract = kept["extract"]
        texts = list(edited(extract["text"], kept["edits"]["edits"]))
        if TEMPLATES in self.after:
            texts = _without(texts, kept[TEMPLATES])
        finals: list[_Final | None] = []
        titles = extract["title"].to_pylist()
        asked = attempts([partial(self._one, text, title) for text, title in zip(texts, titles, strict=True)])
        for row, final in enumerate(asked):
            if isinstance(final, str):
                id, url = extract["id"][row].as_py().hex(), extract["url"][row].as_py()
                sink.quarantine(id=id, url=url, where=self.key, error=final)
            finals.append(None if isinstance(final, str) else final)
        return finals

    def _one(self, text: str, title: str) -> _Final:
        body, head = mask(text, self.pii), mask(title, self.pii)
        tokens = tuple(each.load().count([body.text])[0] for each in self.tokenizers)
        return _Final(body.text, head.text, tokens, Counter(body.counts) + Counter(head.counts))

    def _final(self, kept: Mapping[str, pa.Table], finals: Sequence[_Final], sink: Sink) -> pa.Table:
        extract = kept["extract"]
        texts = [final.text for final in finals]
        if TEMPLATES in self.after:
            _tell_templates(kept[TEMPLATES], sink)
        for kind, n in sum((final.masked for final in finals), Counter[str]()).items():
            sink.count(f"pii.{kind}", n)
        splits = splits_of(kept["dedup"]["component"].to_pylist(), self.splits)
        sizes = kept["dedup"]["cluster_size"]
        return pa.table(
            {
                "id": pa.array([id.hex() for id in extract["id"].to_pylist()], pa.string()),
                "text": pa.array(texts, pa.large_string()),
                "characters": pa.array([len(text) for text in texts], pa.int32()),
                **{
                    each.column: pa.array([final.tokens[at] for final in finals], pa.int32())
                    for at, each in enumerate(self.tokenizers)
                },
                **{code: self._value(code, kept, len(texts)) for code in self.values},
                "split": pa.array(splits, pa.string()),
                "source": pa.array([self.source] * len(texts), pa.string()),
                "license": pa.array([own or self.license for own in extract["license"].to_pylist()], pa.string()),
                "japanese": kept["language"]["japanese"].cast(pa.float32()),
                "cluster_size": sizes,
                **({COLUMN: repeats(sizes, splits, self.steps)} if self.steps else {}),
                **{name: extract[name] for name in _AS_EXTRACTED},
                "title": pa.array([final.title for final in finals], pa.string()),
            }
        )

    def _value(self, code: str, kept: Mapping[str, pa.Table], rows: int) -> Any:
        return kept[measured_by(code)][code].cast(pa.float32()) if self.measured else pa.nulls(rows, pa.float32())


def _less(keep: pa.ChunkedArray, finals: Sequence[object | None]) -> pa.ChunkedArray:
    """The rows to keep without those that came to nothing. `finals`: one for each row to keep."""
    left = iter(finals)
    return pa.chunked_array([[kept and next(left) is not None for kept in keep.to_pylist()]], pa.bool_())


def _refuse_erased(kept: pa.Table) -> None:
    """A row without its text must not become a document; `deny` leaves it out, unless it was made before the erasure."""
    if n := _sum(pc.equal(kept["reason"], ERASED)):
        raise InputError(
            f"the text of {n} document(s) to be written was erased, and no list says so any more: put removals.jsonl back "
            "into the work folder"
        )


def _tell_templates(masks: pa.Table, sink: Sink) -> None:
    sink.count("template.documents", _sum(pc.greater(masks["lines"], 0)))
    sink.count("template.lines", _sum(masks["lines"]))
    sink.count("template.characters", _sum(masks["characters"]))


def _without(texts: Sequence[str], masks: pa.Table) -> list[str]:
    """The texts without their template lines."""
    spans = ([(span["start"], span["end"], "") for span in row] for row in masks["spans"].to_pylist())
    return [apply(text, left_out) for text, left_out in zip(texts, spans, strict=True)]


def _sum(column: pa.ChunkedArray) -> int:
    return int(pc.sum(column.cast(pa.int64())).as_py() or 0)
