"""What other bounds of one filter would keep, from the values of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.explain.replay import Measured, measured
from pipeline.recipe.recipe import Recipe
from stages.measure.judge import Bound, bounds_for

PERCENTILES = (0, 1, 5, 10, 25, 50, 75, 90, 95, 99, 100)


@dataclass
class Kept:
    """Documents, characters and tokens that pass."""

    documents: int = 0
    characters: int = 0
    tokens: int = 0

    def add(self, part: Measured, rows: NDArray[np.bool_]) -> None:
        self.documents += int(rows.sum())
        self.characters += int(part.characters[rows].sum())
        self.tokens += int(part.tokens[rows].sum())


@dataclass
class Row:
    """One bound: what passes it alone, and what passes the whole recipe with it."""

    bound: Bound
    alone: Kept = field(default_factory=Kept)
    together: Kept = field(default_factory=Kept)


@dataclass
class Tuned:
    percentiles: list[tuple[int, float]]
    measured: int  # documents with a value
    whole: Kept  # every document with a text
    rows: list[Row]  # the present bound first
    changed: list[
        tuple[str, float, str]
    ]  # URL, value, beginning of the text: kept by the last bound and not the first, or not


def tune(recipe: Recipe, code: str, bounds: Sequence[Bound], excerpts: int) -> Tuned:
    """The present bound of `code` in the recipe, then `bounds`. Memory: 8 bytes a document, and one partition."""
    others = [bound for bound in recipe.bounds if bound.code != code]
    present = next((bound for bound in recipe.bounds if bound.code == code), Bound(code, None, None))
    rows, whole = [Row(bound) for bound in (present, *bounds)], Kept()
    seen: list[NDArray[np.float64]] = []
    changed: list[tuple[bytes, str, float, str]] = []
    for part in measured(recipe, [code, *(bound.code for bound in others)], text=excerpts > 0):
        value = part.values[code]
        seen.append(value[~np.isnan(value)])
        whole.add(part, np.ones(len(value), np.bool_))
        elsewhere = part.kept(others)
        for row in rows:
            passes = part.passes(row.bound)
            row.alone.add(part, passes)
            row.together.add(part, passes & elsewhere)
        if excerpts:
            differs = elsewhere & (part.passes(rows[0].bound) != part.passes(rows[-1].bound))
            changed += _examples(part, value, differs)
    values = np.concatenate(seen)
    cut = np.percentile(values, PERCENTILES).tolist() if len(values) else []
    chosen = [(url, number, text) for _, url, number, text in sorted(changed)[:excerpts]]
    return Tuned(list(zip(PERCENTILES, cut, strict=False)), len(values), whole, rows, chosen)


def _examples(
    part: Measured, value: NDArray[np.float64], rows: NDArray[np.bool_]
) -> Iterator[tuple[bytes, str, float, str]]:
    """By document id, which is a hash: no place in a file is preferred."""
    for row in np.flatnonzero(rows).tolist():
        document = part.documents.slice(row, 1).to_pylist()[0]
        yield document["id"], document["url"], float(value[row]), document["text"][:200]


def proposals(recipe: Recipe, code: str, at_least: Sequence[float], at_most: Sequence[float]) -> list[Bound]:
    """The bounds to try: those given, else a few on each side of the present one (or of the declared one)."""
    declared = next((b for b in recipe.bounds if b.code == code), None) or next(
        iter(bounds_for([code])), Bound(code, None, None)
    )
    if at_least or at_most:
        return [replace(declared, at_least=low) for low in at_least] + [
            replace(declared, at_most=high) for high in at_most
        ]
    factors = (0.5, 0.75, 1.25, 1.5, 2.0)
    low, high = declared.at_least, declared.at_most
    tried = [replace(declared, at_least=low * factor) for factor in factors] if low else []
    tried += [replace(declared, at_most=high * factor) for factor in factors] if high else []
    return [
        bound for bound in tried if bound.at_least is None or bound.at_most is None or bound.at_least <= bound.at_most
    ]
