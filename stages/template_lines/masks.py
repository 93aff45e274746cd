"""Which lines of each document `write` leaves out: a sidecar of spans."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.base import Inputs, Part, Sink, Stage
from stages.parquet import Rows
from stages.spans import Span, apply
from stages.template_lines.counts import RANGES, Kept, kept_documents
from stages.template_lines.keys import U64, Lines, lines_of, pair_key
from stages.template_lines.rule import HOSTS, Rule
from stages.template_lines.template_lines import LAST

LITTLE_LEFT = "template.little-left"
REASONS = {LITTLE_LEFT: "too little text without its template lines"}
MASKS = pa.schema(
    [
        pa.field("keep", pa.bool_(), nullable=False),  # with `reason`: a say of the kind of `left_out.LEFT_OUT`
        # Of the edited text, sorted and disjoint: what is left out, line feeds and needless blank lines included.
        pa.field(
            "spans",
            pa.list_(
                pa.struct([pa.field("start", pa.int32(), nullable=False), pa.field("end", pa.int32(), nullable=False)])
            ),
            nullable=False,
        ),
        pa.field("lines", pa.int32(), nullable=False),  # left out
        pa.field("characters", pa.int32(), nullable=False),  # left out
        pa.field("reason", pa.string(), nullable=False),  # '' or why the rest is not written: one of REASONS
    ]
)
_NONE: dict[str, Any] = {"keep": True, "spans": [], "lines": 0, "characters": 0, "reason": ""}


class _Templates(NamedTuple):
    """Keys of templates, sorted, and up to which document id their copies stay."""

    key: U64
    stays: U64
    some_stay: npt.NDArray[np.bool_]

    def goes(self, keys: U64, id: int) -> npt.NDArray[np.bool_]:
        """Which of these lines of the document `id` are left out, shape (lines,)."""
        if not len(self.key):
            return np.zeros(len(keys), dtype=np.bool_)
        place = np.minimum(np.searchsorted(self.key, keys), len(self.key) - 1)
        stays = self.some_stay[place] & (np.uint64(id) <= self.stays[place])
        goes: npt.NDArray[np.bool_] = (self.key[place] == keys) & ~stays
        return goes


@dataclass(frozen=True)
class LineMasks(Stage):
    """The masks of a group of partitions, from the group's own run of counts and the templates of all groups.

    The run says which templates occur in the group, so only those are held in memory, and the templates are read once a
    group, a key range at a time.
    """

    rule: Rule = Rule()  # noqa: RUF009 - frozen

    name: ClassVar[str] = "line-masks"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("extract", "edits", "dedup", "line-counts", "template-lines")
    barrier: ClassVar[bool] = True

    def params(self) -> dict[str, Any]:
        return {"shortest": self.rule.shortest, "least": self.rule.least, "mask_digits": self.rule.mask_digits}

    def outputs(self, inputs: Inputs) -> dict[str, pa.Schema]:
        return {part.id: MASKS for part in inputs.parts if "extract" in part.rows}

    def run(self, inputs: Inputs, sink: Sink) -> None:
        (run,) = (part.rows["line-counts"] for part in inputs.parts if "line-counts" in part.rows)
        (templates,) = (part.rows["template-lines"] for part in inputs.parts if "template-lines" in part.rows)
        of_host, of_all = _met(run, templates)
        for part in sorted(inputs.parts, key=lambda part: part.id):
            if "extract" in part.rows:
                for table in self._masks(part, of_host, of_all):
                    sink.write(table, to=part.id)
                    sink.count("lines", pc.sum(table["lines"]).as_py() or 0)
                    sink.count("characters", pc.sum(table["characters"]).as_py() or 0)
                    sink.count("documents", pc.sum(pc.greater(table["lines"], 0)).as_py() or 0)

    def _masks(self, part: Part, of_host: _Templates, of_all: _Templates) -> Iterator[pa.Table]:
        sizes = (table.num_rows for table in part.rows["extract"].groups(("id",)))
        for kept, size in zip(kept_documents(part), sizes, strict=True):
            rows = [_NONE] * size
            for row, mask in self._masked(kept, of_host, of_all):
                rows[row] = mask
            yield pa.Table.from_pylist(rows, schema=MASKS)

    def _masked(self, kept: Kept, of_host: _Templates, of_all: _Templates) -> Iterator[tuple[int, dict[str, Any]]]:
        for row, id, host, text in zip(kept.row.tolist(), kept.id.tolist(), kept.host, kept.texts, strict=True):
            lines = lines_of(text, self.rule.mask_digits)
            goes = of_all.goes(lines.key, id) | of_host.goes(pair_key(lines.key, np.full(len(lines.key), host)), id)
            goes &= lines.characters >= self.rule.shortest
            if goes.any():
                spans = without(text, lines, goes)
                left = apply(text, [(start, end, "") for start, end, _ in spans])
                enough = len(left.strip()) >= self.rule.least
                yield (
                    row,
                    {
                        "keep": enough,
                        "spans": [{"start": start, "end": end} for start, end, _ in spans],
                        "lines": int(goes.sum()),
                        "characters": len(text) - len(left),
                        "reason": "" if enough else LITTLE_LEFT,
                    },
                )


def without(text: str, lines: Lines, goes: npt.NDArray[np.bool_]) -> list[Span]:
    """Spans that take lines out of a text, each with its line feed.

    Blank lines behind a line that goes go too where there is a blank line, or nothing, before it, and at the end of the
    text those before it: nowhere are there more blank lines in a row than there were.
    """
    out = goes.copy()
    blank = [not text[start:end].strip() for start, end in zip(lines.start.tolist(), lines.end.tolist(), strict=True)]
    last = -1  # line that stays
    for line in range(len(out)):
        if out[line]:
            continue
        after = line > last + 1  # something went since
        if after and blank[line] and (last < 0 or blank[last]):
            out[line] = True
        else:
            last = line
    if len(out) and out[-1]:
        while last >= 0 and blank[last]:
            out[last] = True
            last -= 1
            while last >= 0 and out[last]:
                last -= 1
    spans: list[Span] = []
    for line in np.flatnonzero(out).tolist():
        start, end = int(lines.start[line]), min(int(lines.end[line]) + 1, len(text))
        if spans and spans[-1][1] == start:
            start = spans.pop()[0]
        spans.append((start, end, ""))
    if spans and spans[-1][1] == len(text) and spans[-1][0] > 0 and out[-1]:  # the line feed before it goes with it
        start = spans.pop()[0] - 1
        if spans and spans[-1][1] > start:
            start = spans.pop()[0]
        spans.append((start, len(text), ""))
    return spans


def _met(run: Rows, templates: Rows) -> tuple[_Templates, _Templates]:
    """The templates that a group's run has lines of: of single hosts, by `pair_key`, and of all hosts, by key."""
    of_host = [TEMPLATE_SCHEMA.empty_table()]
    of_all = [TEMPLATE_SCHEMA.empty_table()]
    width = (LAST + 1) // RANGES
    for start in range(RANGES):
        low, high = start * width, (start + 1) * width - 1
        table = templates.between("key", low, high, TEMPLATE_SCHEMA.names)
        own = run.between("key", low, high, ("key", "host"))
        everywhere = pc.equal(table["host"], pa.scalar(int(HOSTS), pa.uint64()))
        of_all.append(table.filter(pc.and_(everywhere, pc.is_in(table["key"], own["key"].combine_chunks()))))
        there = table.filter(pc.invert(everywhere))
        met = np.isin(_pairs(there), _pairs(own))
        of_host.append(there.filter(pa.array(met)))
    hosts, everyone = pa.concat_tables(of_host), pa.concat_tables(of_all)
    return _sorted(_pairs(hosts), hosts), _sorted(everyone["key"].to_numpy(), everyone)


TEMPLATE_SCHEMA = pa.schema(
    [
        pa.field("key", pa.uint64(), nullable=False),
        pa.field("host", pa.uint64(), nullable=False),
        pa.field("stays", pa.uint64()),
    ]
)


def _pairs(table: pa.Table) -> U64:
    return pair_key(table["key"].to_numpy(), table["host"].to_numpy())


def _sorted(keys: U64, table: pa.Table) -> _Templates:
    order = np.argsort(keys)
    stays = table["stays"]
    values = pc.fill_null(stays, 0).to_numpy().astype(np.uint64)
    return _Templates(keys[order], values[order], pc.is_valid(stays).to_numpy()[order])
