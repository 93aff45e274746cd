"""Who takes part in a search for duplicates: what the filters kept and no index knows already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.base import Part
from stages.columns import matrix

KNOWN = "known"  # key of the sidecar of `stages/indexes/known.py`; only where a recipe compares with indexes


def columns(part: Part, minhash: Sequence[str] = ("exact",)) -> dict[str, Sequence[str]]:
    """What `takes_part` reads, and these columns of `minhash`: for `Part.groups`."""
    return {"minhash": minhash, **({KNOWN: ("known",)} if KNOWN in part.rows else {})}


def takes_part(batch: Mapping[str, pa.Table]) -> pa.ChunkedArray:
    """True for each row of a batch that dedup looks at."""
    kept = pc.is_valid(batch["minhash"]["exact"])
    return pc.and_(kept, pc.is_null(batch[KNOWN]["known"])) if KNOWN in batch else kept


@dataclass(frozen=True)
class Known:
    """What indexes know of the rows of one partition; all arrays are of shape (rows, ...)."""

    there: npt.NDArray[np.bool_]
    ids: npt.NDArray[np.uint8]  # (rows, 16): of the document in the index, zeros where there is none
    similarity: npt.NDArray[np.float32]  # to it, 0 where there is none


def known_rows(part: Part) -> Known:
    rows = part.rows["minhash"].rows
    if KNOWN not in part.rows:
        return Known(np.zeros(rows, np.bool_), np.zeros((rows, 16), np.uint8), np.zeros(rows, np.float32))
    table = part.rows[KNOWN].read(("known", "similarity"))
    there = pc.is_valid(table["known"]).to_numpy()
    ids = np.zeros((rows, 16), np.uint8)
    ids[there] = matrix(table["known"].drop_null(), "u1")
    return Known(there, ids, pc.fill_null(table["similarity"], 0.0).to_numpy())
