"""What becomes of the documents of a block, by the levels that are on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from stages.dedup.components import I64
from stages.dedup.fetches import F32, estimates
from stages.dedup.participants import Documents
from stages.dedup.verify import Verified

# In the order in which they are looked at; the code of a level is its place from 1.
LEVELS = {
    "url": "another fetch of its address stays, or what that went for",
    "exact": "the same dedup key as its keeper",
    "near": "measured to be alike enough to its keeper",
}
CODES = {name: code for code, name in enumerate(LEVELS, 1)}


@dataclass(frozen=True)
class Outcome:
    """What becomes of the n documents of a block; all arrays are of shape (n,)."""

    winner: I64  # who stays for the address of each
    original: I64  # first in keeper order of those with the same dedup key, where copies are a level; else itself
    same: I64  # first in keeper order of those with the same dedup key, whatever is a level
    verified: Verified  # what became of the originals
    exact: bool  # copies are a level of their own

    @cached_property
    def _compared(self) -> I64:
        """Who stays by text. A copy goes where its original goes: their n-grams are the same."""
        return self.verified.keeper[self.original]

    @cached_property
    def keeper(self) -> I64:
        """Who stays for each document, or itself. Another fetch of an address goes where the winner goes."""
        return self._compared[self.winner]

    @cached_property
    def level(self) -> npt.NDArray[np.uint8]:
        """Place in LEVELS from 1; 0 where it stays."""
        everyone = np.arange(len(self.original))
        level = np.zeros(len(everyone), dtype=np.uint8)
        level[self.original != everyone] = CODES["exact" if self.exact else "near"]
        level[self._compared != self.original] = CODES["near"]
        level[self.winner != everyone] = CODES["url"]
        return level

    @property
    def dropped(self) -> npt.NDArray[np.bool_]:
        dropped: npt.NDArray[np.bool_] = self.level > 0
        return dropped

    def similarity(self, documents: Documents) -> F32:
        """To the keeper; NaN where a fetch went by rule and a text is too short to be measured."""
        alike = self.verified.similarity[self.original].copy()
        fetches = np.flatnonzero(self.level == CODES["url"])
        alike[fetches] = estimates(documents, fetches, self.keeper[fetches])
        return alike
