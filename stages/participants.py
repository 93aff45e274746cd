"""The documents that take part in dedup, as dense arrays: one number a document, valid within one run only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.base import InputError, Part
from stages.columns import matrix
from stages.components import I64, U64, Ids, halves
from stages.edits import edited

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
    """n participants, numbered by (id, partition id, row): 66 bytes each. The number never depends on arrival."""

    parts: tuple[Part, ...]  # by id
    ranks: I64  # (parts,): declared rank of the source
    ids: Ids
    exact: tuple[U64, U64]  # (n,), (n,): halves of the exact hash
    part: npt.NDArray[np.int32]  # (n,): index in `parts`
    row: npt.NDArray[np.int32]  # (n,): row in that partition
    characters: npt.NDArray[np.int32]  # (n,): code points of the edited text
    instant: I64  # (n,): date as the number YYYYMMDDhhmmss
    signed: npt.NDArray[np.bool_]  # (n,): has a signature

    def __len__(self) -> int:
        return len(self.part)

    def places(self, order: Sequence[str]) -> I64:
        """Place of every document in the declared keeper order, shape (n,); what it leaves open the number decides."""
        keys = [np.arange(len(self)), *(ORDERS[name](self) for name in reversed(order))]
        places = np.empty(len(self), dtype=np.int64)
        places[np.lexsort(keys)] = np.arange(len(self))
        return places

    def signatures(self, numbers: I64) -> npt.NDArray[np.uint32]:
        """Signatures of these documents (all `signed`), shape (m, permutations)."""
        tables = [part.rows["minhash"].take(rows, ("signature",)) for part, rows in self._located(numbers)]
        found = matrix(pa.concat_tables(tables)["signature"], "<u4")
        out = np.empty(found.shape, dtype=np.uint32)
        out[self._by_place(numbers)] = found
        return out

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


def participants(parts: Sequence[Part]) -> Documents:
    """All documents with an exact hash. Raises InputError when a partition is given twice."""
    parts = tuple(sorted(parts, key=lambda part: part.id))
    for one, other in pairwise(parts):
        if one.id == other.id:
            raise InputError(
                f"partition {one.id} is in source {one.source!r} and again in {other.source!r}: remove one of them"
            )
    loaded = [_group(_EMPTY, 0, 0)]
    for index, part in enumerate(parts):
        first = 0
        for batch in part.groups({"extract": ("id", "date"), "minhash": ("exact", "shingles", "characters")}):
            loaded.append(_group(batch, index, first))
            first += batch["extract"].num_rows
    ids, exact, part_of, row, characters, instant, signed = map(np.concatenate, zip(*loaded, strict=True))
    del loaded
    high, low = halves(ids)
    order = np.lexsort((low, high))  # stable, so equal ids stay in the order of partition and row
    exact_high, exact_low = halves(exact[order])
    return Documents(
        parts=parts,
        ranks=np.array([part.rank for part in parts], dtype=np.int64),
        ids=Ids(high[order], low[order]),
        exact=(exact_high, exact_low),
        part=part_of[order],
        row=row[order],
        characters=characters[order],
        instant=instant[order],
        signed=signed[order],
    )


_EMPTY: Mapping[str, pa.Table] = {
    "extract": pa.table({"id": pa.array([], pa.binary(16)), "date": pa.array([], pa.string())}),
    "minhash": pa.table(
        {
            "exact": pa.array([], pa.binary(16)),
            "shingles": pa.array([], pa.int32()),
            "characters": pa.array([], pa.int32()),
        }
    ),
}


def _group(batch: Mapping[str, pa.Table], part: int, first: int) -> tuple[npt.NDArray[np.generic], ...]:
    """The columns of `Documents` for one row group whose first row is number `first` of partition `part`."""
    takes_part = pc.is_valid(batch["minhash"]["exact"])
    rows = np.flatnonzero(takes_part.to_numpy()).astype(np.int32) + np.int32(first)
    extract, minhash = batch["extract"].filter(takes_part), batch["minhash"].filter(takes_part)
    return (
        matrix(extract["id"], "u1"),
        matrix(minhash["exact"], "u1"),
        np.full(len(rows), part, dtype=np.int32),
        rows,
        minhash["characters"].to_numpy().astype(np.int32),
        instants(extract["date"].to_pylist()),
        minhash["shingles"].to_numpy() > 0,
    )


def instants(dates: Sequence[str]) -> I64:
    """RFC 3339 dates (UTC) as numbers YYYYMMDDhhmmss, shape (n,). Total: what is no digit counts as 0, '' is oldest."""
    text = np.array([date.encode()[:19].ljust(19) for date in dates], dtype="S19")
    digits = text.view(np.uint8).reshape(len(dates), 19).astype(np.int64) - ord("0")
    digits[(digits < 0) | (digits > 9)] = 0
    places = [0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18]  # YYYY-MM-DDThh:mm:ss
    out: I64 = digits[:, places] @ (10 ** np.arange(13, -1, -1, dtype=np.int64))
    return out
