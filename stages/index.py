"""An index of texts that exist already: built once from any Parquet with a text column, kept instead of the texts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from stages.base import MAIN, Inputs, Sink, Stage, document_id
from stages.compact import compact
from stages.dedupkey import dedup_key, exact_hash
from stages.extract_parquet import ExtractParquet
from stages.line_counts import key_ranges
from stages.lsh import Shape, band_keys, exact_keys
from stages.minhash_kernel import ngram_hashes, signature
from stages.tables import Cells

KEYS_OUTPUT = "keys"
KEYS = pa.schema([pa.field("key", pa.uint64(), nullable=False), pa.field("row", pa.int32(), nullable=False)])
_RELEASED = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Index(Stage):
    """One file: a row for each document, and its band keys sorted, with the row.

    Texts are taken as they are: the dedup key folds what edits fold. 480 bytes a document at 512 bins and 14 bands, of
    which nothing can be read back. A row without a text, or that cannot be read, is counted and left out.
    """

    text_column: str = "text"
    id_column: str = ""
    ngram: int = 5
    permutations: int = 112
    seed: int = 1
    mask_digits: bool = False
    bands: int = Shape().bands
    rows: int = Shape().rows
    bins: int = 512

    name: ClassVar[str] = "index"
    version: ClassVar[int] = 1
    libraries: ClassVar[tuple[str, ...]] = ("datasketch",)

    def outputs(self, inputs: Inputs) -> dict[str, pa.Schema]:
        return {MAIN: self._layout(), KEYS_OUTPUT: KEYS}

    def _layout(self) -> pa.Schema:
        return pa.schema(
            [
                pa.field(
                    "id", pa.binary(16), nullable=False
                ),  # of a release its own; else a hash of the id, or the text
                pa.field("reference", pa.string(), nullable=False),  # the id as the file has it, else the row
                pa.field("exact", pa.binary(16), nullable=False),  # BLAKE2b-128 of the dedup key
                pa.field("compact", pa.binary(self.bins // 2)),  # null: shorter than an n-gram
            ]
        )

    def run(self, inputs: Inputs, sink: Sink) -> None:
        assert inputs.file is not None
        reader = ExtractParquet(text_column=self.text_column, id_column=self.id_column)
        rows: list[dict[str, Any]] = []
        keys = [np.empty(0, dtype=np.uint64)]
        owners = [np.empty(0, dtype=np.int32)]
        count = 0
        for cells in reader.cells(inputs.file):
            if not isinstance(cells, Cells):
                sink.quarantine(id="", url="", where=f"{inputs.file.name} {cells.where}", error=cells.error)
                continue
            if not cells.text:
                sink.count("without a text")
                continue
            row, own_keys = self._document(cells)
            rows.append(row)
            keys.append(own_keys)
            owners.append(np.full(len(own_keys), count, dtype=np.int32))
            count += 1
            if len(rows) >= self.group_rows:
                sink.write(pa.Table.from_pylist(rows, schema=self._layout()))
                rows = []
        sink.write(pa.Table.from_pylist(rows, schema=self._layout()))
        for table in self._sorted(np.concatenate(keys), np.concatenate(owners)):
            sink.write(table, to=KEYS_OUTPUT, cut=True)
        sink.count("documents", count)

    def _document(self, cells: Cells) -> tuple[dict[str, Any], np.ndarray[Any, np.dtype[np.uint64]]]:
        text = cells.text or ""
        own = "" if cells.id is None else str(cells.id)
        key = dedup_key(text, self.mask_digits)
        hashes = ngram_hashes(key, self.ngram)
        exact = exact_hash(text, key)
        keys = [exact_keys(np.frombuffer(exact, dtype="<u4").reshape(1, 4))]
        if len(hashes):
            signed = signature(hashes, self.permutations, self.seed)
            keys.append(band_keys(signed.reshape(1, -1), Shape(self.bands, self.rows))[0])
        row = {
            "id": bytes.fromhex(own)
            if _RELEASED.fullmatch(own)
            else document_id(*(("id", own) if own else ("text", text))),
            "reference": own or f"row {cells.number}",
            "exact": exact,
            "compact": compact(hashes, self.bins).tobytes() if len(hashes) else None,
        }
        return row, np.concatenate(keys)

    def _sorted(
        self, keys: np.ndarray[Any, np.dtype[np.uint64]], owners: np.ndarray[Any, np.dtype[np.int32]]
    ) -> Iterator[pa.Table]:
        order = np.lexsort((owners, keys))
        keys, owners = keys[order], owners[order]
        for start, end in key_ranges(keys):
            if end > start:
                yield pa.table([keys[start:end], owners[start:end]], schema=KEYS)
