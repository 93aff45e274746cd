"""Suspected documents as dense arrays: one number a document, valid within one block only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stages.base import Part
from stages.dedup.components import I64, U64, Ids
from stages.edits.edits import edited

# What a keeper order can be made of: smaller goes first.
ORDERS: Mapping[str, Callable[[Documents], npt.NDArray[np.int64]]] = {
    "rank": lambda documents: documents.ranks[documents.part],
    "longest": lambda documents: -documents.characters.astype(np.int64),
    "shortest": lambda documents: documents.characters.astype(np.int64),
    "newest": lambda documents: -documents.instant,
    "oldest": lambda documents: documents.instant,
}


@dataclass(frozen=True, slots=True)
class Documents:
    """n documents, numbered by (id, partition id, row). The order never depends on arrival."""

    parts: tuple[Part, ...]  # by id
    ranks: I64  # (parts,): declared rank of the source
    ids: Ids
    exact: tuple[U64, U64]  # (n,), (n,): halves of the exact hash
    address: tuple[U64, U64]  # (n,), (n,): of the hash of the address; 0, 0 without one or where it is no level
    number: I64  # (n,): in the roster
    part: npt.NDArray[np.int32]  # (n,): index in `parts`
    row: npt.NDArray[np.int32]  # (n,): row in that partition
    characters: npt.NDArray[np.int32]  # (n,): code points of the edited text
    instant: I64  # (n,): date as the number YYYYMMDDhhmmss
    signed: npt.NDArray[np.bool_]  # (n,): has a signature
    signature: npt.NDArray[np.uint32]  # (n, permutations): zeros where there is none

    def __len__(self) -> int:
        return len(self.part)

    def places(self, order: Sequence[str]) -> I64:
        """Place of every document in the declared keeper order, shape (n,); what it leaves open the number decides."""
        keys = [np.arange(len(self)), *(ORDERS[name](self) for name in reversed(order))]
        places = np.empty(len(self), dtype=np.int64)
        places[np.lexsort(keys)] = np.arange(len(self))
        return places

    def texts(self, numbers: I64) -> list[str]:
        """Edited texts of these documents, read by row group and only where needed."""
        found: list[str] = []
        for part, rows in self._located(numbers):
            text, edits = part.rows["extract"].take(rows, ("text",)), part.rows["edits"].take(rows, ("edits",))
            found += edited(text["text"], edits["edits"])
        out = [""] * len(found)
        for i, text in zip(self._by_place(numbers).tolist(), found, strict=True):
            out[i] = text
        return out

    def _by_place(self, numbers: I64) -> I64:
        return np.lexsort((self.row[numbers], self.part[numbers]))

    def _located(self, numbers: I64) -> list[tuple[Part, I64]]:
        """(partition, ascending rows) of these documents, in the order of `_by_place`."""
        ordered = numbers[self._by_place(numbers)]
        which, starts = np.unique(self.part[ordered], return_index=True)
        rows = np.split(self.row[ordered].astype(np.int64), starts[1:])
        return [(self.parts[part], found) for part, found in zip(which.tolist(), rows, strict=True)]


def instants(dates: Sequence[str]) -> I64:
    """RFC 3339 dates (UTC) as numbers YYYYMMDDhhmmss, shape (n,). Total: what is no digit counts as 0, '' is oldest."""
    text = np.array([date.encode()[:19].ljust(19) for date in dates], dtype="S19")
    digits = text.view(np.uint8).reshape(len(dates), 19).astype(np.int64) - ord("0")
    digits[(digits < 0) | (digits > 9)] = 0
    places = [0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18]  # YYYY-MM-DDThh:mm:ss
    out: I64 = digits[:, places] @ (10 ** np.arange(13, -1, -1, dtype=np.int64))
    return out
