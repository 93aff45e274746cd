"""Texts measured once by every filter that looks at text, and judged by any bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from filters import FILTERS
from filters.page import Page
from filters.text import Text
from filters.words import Words
from pipeline.recipe.filters import of_profile
from stages.edits.edits import within_page
from stages.measure.judge import Bound
from stages.spans import apply

CODES = [code for code, declared in FILTERS.items() if declared.view is not Page]


@dataclass(frozen=True, eq=False)
class Judged:
    """values: (texts, filters of `CODES`)."""

    values: NDArray[np.float64]

    def kept(self, bounds: Sequence[Bound]) -> NDArray[np.bool_]:
        return ~self.dropped(bounds).any(axis=1)

    def dropped(self, bounds: Sequence[Bound]) -> NDArray[np.bool_]:
        """(texts, filters): outside the filter's bound; False where a filter has none."""
        out = np.zeros(self.values.shape, np.bool_)
        for bound in bounds:
            if bound.code in CODES:
                column = CODES.index(bound.code)
                low = -np.inf if bound.at_least is None else bound.at_least
                high = np.inf if bound.at_most is None else bound.at_most
                out[:, column] = ~((self.values[:, column] >= low) & (self.values[:, column] <= high))
        return out


def judged(texts: Sequence[str]) -> Judged:
    """The texts as the filters of a run see them: with the edits applied."""
    return Judged(np.array([_values(edited(text)) for text in texts]).reshape(-1, len(CODES)))


def edited(text: str) -> str:
    return apply(text, within_page(text))


def _values(text: str) -> list[float]:
    views = {Text: Text(text), Words: Words(text)}
    return [FILTERS[code].value(views[FILTERS[code].view]) for code in CODES]  # type: ignore[index]


def bounds(profile: str) -> tuple[Bound, ...]:
    return of_profile(profile).bounds
