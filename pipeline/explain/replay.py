"""Other bounds over the values that a run has measured: what would be kept, before duplicates go. No text is read again.

A morpheme filter has values only where `judge` kept; a document without one passes it here, so that looser bounds on the
other filters show the most that they could keep.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from filters import FAMILIES
from filters.words import Words
from pipeline.engine.plan import survey
from pipeline.errors import UsageError
from pipeline.recipe.recipe import Recipe
from pipeline.session import look
from pipeline.store.opening import open_store
from pipeline.store.store import Store
from pipeline.tasks.task import PartRef
from stages.base import Rows
from stages.measure.judge import ERROR, Bound, measured_by

OF_WORDS = frozenset(f.code for family in FAMILIES.values() if family.view is Words for f in family.filters)


@dataclass(frozen=True, eq=False)
class Measured:
    """The documents of one partition that `extract` found a text for; every array has the shape (documents,)."""

    source: str
    documents: pa.Table  # id, url, characters, tokens; text where it was asked for
    values: Mapping[str, NDArray[np.float64]]  # code -> value, nan where it was not measured

    @property
    def characters(self) -> NDArray[np.int64]:
        return np.asarray(self.documents["characters"].to_numpy(), np.int64)

    @property
    def tokens(self) -> NDArray[np.int64]:
        return np.asarray(self.documents["tokens"].to_numpy(), np.int64)

    def passes(self, bound: Bound) -> NDArray[np.bool_]:
        value = self.values[bound.code]
        low = -np.inf if bound.at_least is None else bound.at_least
        high = np.inf if bound.at_most is None else bound.at_most
        within = (value >= low) & (value <= high)
        return within | np.isnan(value) if bound.code in OF_WORDS else within

    def kept(self, bounds: Sequence[Bound]) -> NDArray[np.bool_]:
        keep = np.ones(self.documents.num_rows, np.bool_)
        for bound in bounds:
            keep &= self.passes(bound)
        return keep

    def reasons(self, bounds: Sequence[Bound]) -> list[str]:
        """What `judge` and `verdict` would say: '' where kept, else the first failing code."""
        reasons = np.full(self.documents.num_rows, "", object)
        for bound in sorted(bounds, key=lambda bound: (bound.code not in OF_WORDS, bound.code), reverse=True):
            reasons[~self.passes(bound)] = bound.code
        for code in (bound.code for bound in bounds if bound.code not in OF_WORDS):
            reasons[np.isnan(self.values[code])] = ERROR
        return [str(reason) for reason in reasons]


def measured(recipe: Recipe, codes: Sequence[str], *, text: bool = False) -> Iterator[Measured]:
    """What is committed of a recipe, a partition at a time. Raises UsageError when nothing of it is."""
    plan, store = look(recipe), open_store(recipe.work)
    needed = sorted({measured_by(code) for code in codes if code not in OF_WORDS})
    found = [
        part for part in survey(store, plan.chains, plan.parts).parts if _has(part, ["extract", "tokens", *needed])
    ]
    if not found:
        raise UsageError(f"{recipe.path}: nothing is measured yet; run it first: seimai run {recipe.path}")
    for part in found:
        yield _of_part(part, store, codes, text)


def _has(part: PartRef, stages: Sequence[str]) -> bool:
    return all(stage in part.outputs for stage in stages)


def _of_part(part: PartRef, store: Store, codes: Sequence[str], text: bool) -> Measured:
    def read(stage: str, columns: list[str]) -> pa.Table:
        output = part.outputs[stage]
        return Rows(store.path(output["path"]), output["sha256"], output["rows"]).read(columns)

    extract = read("extract", ["id", "url", "reason", *(["text"] if text else [])])
    sizes = read("tokens", ["characters", "tokens"])
    told = zip(extract["reason"].to_pylist(), sizes["tokens"].is_valid().to_pylist(), strict=True)
    rows = np.array([not reason and readable for reason, readable in told], np.bool_)
    documents = extract.drop_columns(["reason"])
    for name in sizes.column_names:
        documents = documents.append_column(name, pc.fill_null(sizes[name].cast(pa.int64()), 0))
    values: dict[str, NDArray[np.float64]] = {}
    for code in codes:
        stage = measured_by(code)
        column = read(stage, [code])[code].to_numpy() if stage in part.outputs else np.full(len(rows), np.nan)
        values[code] = np.asarray(column, np.float64)[rows]
    return Measured(part.source, documents.filter(pa.array(rows)), values)
