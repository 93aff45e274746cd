"""Judging: the bounds of the recipe over the measured values. No text is read, so a changed bound costs seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from filters import FILTERS
from stages.base import Sidecar, Sink

UNWRITTEN = "write.error"  # reason of one that could not be masked or counted when the release was written
ERROR = "error"  # reason of a document that a stage could not measure; it stands in that stage's quarantine


@dataclass(frozen=True, slots=True)
class Bound:
    """Inclusive bounds of one filter; None is open."""

    code: str
    at_least: float | None
    at_most: float | None

    def keeps(self, value: float) -> bool:
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)


def measured_by(code: str) -> str:
    """The key of the stage that measures a filter, or a measure of the recipe's own."""
    return f"measure-{FILTERS[code].family if code in FILTERS else code}"


VERDICT = pa.schema(
    [
        pa.field("keep", pa.bool_(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),  # '' when kept, else the first failing code
        pa.field("failed", pa.list_(pa.string()), nullable=False),  # every failing code, in code order
    ]
)


@dataclass(frozen=True)
class Judge(Sidecar):
    """Verdicts by the cheap families. A document that `extract` rejected keeps that reason; one whose text `tokens`, `edits`
    or `language` could not read goes as ERROR, whatever the bounds."""

    bounds: tuple[Bound, ...] = ()  # in code order

    name: ClassVar[str] = "judge"
    version: ClassVar[int] = 2
    schema: ClassVar[pa.Schema] = VERDICT
    before: ClassVar[tuple[str, str]] = ("extract", "reason")  # the stage and column that spoke before this one

    @property
    def columns(self) -> Mapping[str, Sequence[str]]:
        columns: dict[str, Sequence[str]] = {
            self.before[0]: self._before_columns,
            "tokens": ("characters", "tokens"),
            **self._read,
        }
        for bound in self.bounds:
            columns[measured_by(bound.code)] = (*columns.get(measured_by(bound.code), ()), bound.code)
        return columns

    @property
    def _before_columns(self) -> tuple[str, ...]:
        return ("reason",)

    @property
    def _read(self) -> Mapping[str, Sequence[str]]:
        """Further columns that tell whether a text could be read; null where not."""
        return {"language": ("japanese",)}

    def params(self) -> dict[str, Any]:
        return {"bounds": [[b.code, b.at_least, b.at_most] for b in self.bounds]}

    def rows(self, batch: Mapping[str, pa.Table], sink: Sink) -> pa.Table:
        values = {b.code: batch[measured_by(b.code)][b.code].to_pylist() for b in self.bounds}
        rows = [
            self._verdict(before, [(bound, values[bound.code][i]) for bound in self.bounds])
            for i, before in enumerate(self._spoken(batch))
        ]
        tally(sink, rows, batch["tokens"])
        return pa.Table.from_pylist(rows, schema=self.schema)

    def _spoken(self, batch: Mapping[str, pa.Table]) -> list[dict[str, Any]]:
        unread = pc.or_(batch["tokens"]["tokens"].is_null(), batch["language"]["japanese"].is_null())
        reasons = zip(batch[self.before[0]]["reason"].to_pylist(), unread.to_pylist(), strict=True)
        return [
            {"keep": not reason, "reason": reason, "failed": [reason] if reason else []}
            for reason in (reason or (ERROR if lost else "") for reason, lost in reasons)
        ]

    def _verdict(self, before: dict[str, Any], values: Sequence[tuple[Bound, float | None]]) -> dict[str, Any]:
        if not before["keep"]:
            return before
        if any(value is None for _, value in values):
            return {"keep": False, "reason": ERROR, "failed": [ERROR]}
        failed = [bound.code for bound, value in values if value is not None and not bound.keeps(value)]
        return {"keep": not failed, "reason": failed[0] if failed else "", "failed": failed}


@dataclass(frozen=True)
class Verdict(Judge):
    """The last word: `judge` and then the morpheme families, which were measured only where `judge` kept."""

    name: ClassVar[str] = "verdict"
    before: ClassVar[tuple[str, str]] = ("judge", "keep")

    @property
    def _before_columns(self) -> tuple[str, ...]:
        return tuple(VERDICT.names)

    @property
    def _read(self) -> Mapping[str, Sequence[str]]:
        return {}

    def _spoken(self, batch: Mapping[str, pa.Table]) -> list[dict[str, Any]]:
        return list(batch[self.before[0]].to_pylist())


def tally(sink: Sink, rows: Sequence[Mapping[str, Any]], sizes: pa.Table) -> None:
    """Documents, characters and tokens in and kept, and a histogram of reasons: what the funnel is summed from."""
    characters, tokens = sizes["characters"].to_pylist(), sizes["tokens"].to_pylist()
    kept = [i for i, row in enumerate(rows) if row["keep"]]
    sink.count("documents", len(rows))
    sink.count("kept", len(kept))
    sink.count("kept.characters", sum(characters[i] for i in kept))
    sink.count("kept.tokens", sum(tokens[i] for i in kept))
    for row in rows:
        if not row["keep"]:
            sink.reason(row["reason"])


def bounds_for(codes: Sequence[str]) -> tuple[Bound, ...]:
    """The declared bounds of the named filters, in code order."""
    return tuple(
        Bound(f.code, _finite(f.at_least), _finite(f.at_most)) for code, f in FILTERS.items() if code in set(codes)
    )


def _finite(bound: float) -> float | None:
    return None if bound in (float("inf"), float("-inf")) else bound
