"""Measuring: every filter of a family on every document, apart from any bound.

One stage a family, each with its own fingerprint (`Family.fingerprint`), so that a changed family re-measures itself
alone. Stale families that look at the same view run together over one pass of the texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa

from filters import FAMILIES
from filters.base import Family
from filters.page import Page
from filters.text import Text
from filters.words import Words
from stages.base import Inputs, Sidecar, Sink
from stages.borne import of_the_text
from stages.edits.edits import edited

View = Text | Page | Words

_COLUMNS: Mapping[type, Mapping[str, Sequence[str]]] = {
    Text: {"extract": ("id", "url", "text"), "edits": ("edits",)},
    Page: {
        "extract": ("id", "url", "host", "text", "charset", "replaced", "declared_language", "policy"),
        "language": ("language", "japanese"),
    },
    Words: {"extract": ("id", "url", "text"), "edits": ("edits",), "judge": ("keep",)},
}


@dataclass(frozen=True)
class Measure(Sidecar):
    """The values of one family: a float64 column a filter, null where the family does not look at the document."""

    family: str

    name: ClassVar[str] = "measure"
    version: ClassVar[int] = 2

    @property
    def key(self) -> str:
        return f"measure-{self.family}"

    @property
    def group(self) -> str:  # type: ignore[override]
        return f"measure {self.definition.view.__name__}"

    @property
    def columns(self) -> Mapping[str, Sequence[str]]:
        return _COLUMNS[self.definition.view]

    @property
    def definition(self) -> Family:
        return FAMILIES[self.family]

    def params(self) -> dict[str, Any]:
        return {"family": self.definition.fingerprint}

    def resources(self) -> dict[str, str]:
        return dict(self.definition.resources())

    def layout(self) -> pa.Schema:
        return pa.schema([pa.field(f.code, pa.float64()) for f in self.definition.filters])

    def rows(self, batch: Mapping[str, pa.Table], sink: Sink) -> pa.Table:
        return self.measure(views(self.definition.view, batch), batch["extract"], sink)

    def unmeasured(self, document: Mapping[str, pa.Table]) -> dict[str, Any]:
        return dict.fromkeys(self.layout().names)

    @classmethod
    def run_together(cls, stages: Sequence[Measure], inputs: Inputs, sinks: Sequence[Sink]) -> None:
        """The same as `run` of each, with counts and n-grams that families share computed once for a document."""
        for batch in inputs.part.groups(stages[0].columns):
            shared = list(views(stages[0].definition.view, batch))
            for stage, sink in zip(stages, sinks, strict=True):
                sink.write(stage.measure(iter(shared), batch["extract"], sink))

    def measure(self, documents: Iterator[View | None], extract: pa.Table, sink: Sink) -> pa.Table:
        filters = self.definition.filters
        columns: list[list[float | None]] = [[] for _ in filters]
        for row, view in enumerate(documents):
            try:
                values = [None if view is None else f.value(view) for f in filters]
            except Exception as error:  # recorded: the document is quarantined, `judge` sees nulls and says so
                if not of_the_text(error):
                    raise
                values = [None] * len(filters)
                sink.quarantine(
                    id=extract["id"][row].as_py().hex(),
                    url=extract["url"][row].as_py(),
                    where=self.key,
                    error=f"{type(error).__name__}: {error}",
                )
            for column, value in zip(columns, values, strict=True):
                column.append(value)
        return pa.table([pa.array(c, pa.float64()) for c in columns], schema=self.layout())


def views(view: type, batch: Mapping[str, pa.Table]) -> Iterator[View | None]:
    """The documents of one row group as filters see them; None where the view is not for that document."""
    extract = batch["extract"]
    if view is Page:
        yield from _pages(extract, batch["language"])
        return
    texts = edited(extract["text"], batch["edits"]["edits"])
    if view is Words:
        for text, keep in zip(texts, batch["judge"]["keep"].to_pylist(), strict=True):
            yield Words(text) if keep else None
    else:
        for text, could in zip(texts, batch["edits"]["edits"].is_valid().to_pylist(), strict=True):
            yield Text(text) if could else None  # what could not be edited is rejected for that


def _pages(extract: pa.Table, language: pa.Table) -> Iterator[Page | None]:
    for row, scored in zip(extract.to_pylist(), language.to_pylist(), strict=True):
        yield (
            None
            if scored["japanese"] is None
            else Page(
                url=row["url"],
                host=row["host"],
                declared_language=row["declared_language"],
                charset=row["charset"],
                replaced=row["replaced"],
                characters=len(row["text"]),
                language=scored["language"],
                japanese=scored["japanese"],
                policy=row["policy"],
            )
        )
