"""No document twice: ids and places of all rows compared, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.manifest.counts import ShardEntry
from pipeline.store.store import Store
from stages.parquet import open_checked

PASS_ROWS = 1 << 26  # 64-bit keys sorted at once: 512 MB
U64 = npt.NDArray[np.uint64]


def repeated(store: Store, entries: Sequence[ShardEntry], pass_rows: int = PASS_ROWS) -> Iterator[str]:
    """A line for each document that is in the release twice: the same id from the same place.

    Two pages under one id are no repetition: a crawler may have given two records one name. Each pass over the ids takes
    one range of keys; 64-bit keys that meet are then compared in full.
    """
    passes = max(1, -(-sum(entry.rows for entry in entries) // pass_rows))
    for number in range(passes):
        low, high = (2**64 * n // passes for n in (number, number + 1))
        found = [keys[(keys >= low) & (keys <= high - 1)] for _, _, keys in _keys(store, entries)]
        keys = np.sort(np.concatenate(found)) if found else np.empty(0, np.uint64)
        twice = np.unique(keys[1:][keys[1:] == keys[:-1]])
        if len(twice):
            yield from _exactly(store, entries, twice)


def _exactly(store: Store, entries: Sequence[ShardEntry], twice: U64) -> Iterator[str]:
    seen: set[tuple[str, str, int]] = set()
    for entry, table, keys in _keys(store, entries):
        rows = np.flatnonzero(np.isin(keys, twice))
        for row in table.take(pa.array(rows)).to_pylist():
            place = (row["id"], row["origin"], row["offset"])
            if place in seen:
                yield f"{entry.path}: document {place[0]} is in the release twice"
            seen.add(place)


def _keys(store: Store, entries: Sequence[ShardEntry]) -> Iterator[tuple[ShardEntry, pa.Table, U64]]:
    """Of each row group the identity of its rows and a 64-bit mix of it, shape (rows,)."""
    for entry in entries:
        with open_checked(store.path(entry.path)) as parquet:
            for group in range(parquet.num_row_groups):
                table = parquet.read_row_group(group, columns=["id", "origin", "offset"])
                keys = table["offset"].to_numpy().astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
                for part in (*_words(table["id"], 2), *_words(table["origin"], 1)):
                    keys = (keys ^ part) * np.uint64(0xD6E8FEB86659FD93)
                    keys ^= keys >> np.uint64(32)
                yield entry, table, keys


def _words(column: pa.ChunkedArray, words: int) -> Sequence[U64]:
    """Texts of `words` times 16 hex digits as that many columns of shape (rows,)."""
    digits = "".join(text.rjust(16 * words, "0") for text in column.to_pylist())
    found = np.frombuffer(bytes.fromhex(digits), dtype=">u8").reshape(-1, words).astype(np.uint64)
    return list(found.T)
