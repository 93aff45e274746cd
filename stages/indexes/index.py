"""An index of texts that exist already: built once from Parquet or JSONL with a text column, kept instead of the texts."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stages.base import MAIN, InputError, Inputs, Sink, SourceFile, Stage, document_id
from stages.indexes.compact import check_bins, compact
from stages.readers.jsonl import ExtractJsonl
from stages.readers.parquet import ExtractParquet
from stages.readers.tables import Cells, Loss
from stages.signatures.dedupkey import dedup_key, exact_hash
from stages.signatures.lsh import Keys, Shape, band_keys, exact_keys
from stages.signatures.minhash_kernel import ngram_hashes, permutations, signature

KEYS_OUTPUT = "keys"
# Of a band key the upper 40 bits are kept: what they confuse, the signatures tell apart. Of 10**10 documents 150 share one.
KEYS = pa.schema([pa.field("key", pa.uint64(), nullable=False), pa.field("row", pa.int32(), nullable=False)])
_DROPPED = np.uint64(24)
HOT = 64  # documents of a run that a key leads to, at most: the first ones
RUN = 1 << 20  # documents whose keys are sorted at once: 0.5 kB of memory each
BATCH = 4096  # documents in a row group, and signed at once
_RELEASED = re.compile(r"[0-9a-f]{32}")

I32 = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Index(Stage):
    """One file: a row for each document, and the keys that lead to it, in sorted runs of `RUN` documents.

    Texts are taken as they are: the dedup key folds what edits fold. At 512 bins and 14 bands 0.4 kB a document, of which
    no text can be read back. A row without a text, or that cannot be read, is counted and left out.
    """

    text_column: str = "text"
    id_column: str = ""
    ngram: int = 5
    permutations: int = 112
    seed: int = 1
    mask_digits: bool = False
    bands: int = Shape().bands
    rows: int = Shape().rows
    bins: int = 512  # of a compact signature

    name: ClassVar[str] = "index"
    version: ClassVar[int] = 1
    libraries: ClassVar[tuple[str, ...]] = ("datasketch", "zstandard")
    group_rows: ClassVar[int] = 1 << 18  # of the keys; those of the documents are cut

    def __post_init__(self) -> None:
        check_bins(self.bins, "index.bins")

    @property
    def signing(self) -> dict[str, Any]:
        """What its keys and signatures are made with: texts are compared only by the same."""
        return {
            **{name: getattr(self, name) for name in ("ngram", "permutations", "seed", "mask_digits")},
            "bands": self.bands,
            "band_rows": self.rows,
            "bins": self.bins,
            "version": self.version,
            "functions": digest_of(*permutations(self.permutations, self.seed)),
        }

    def outputs(self, inputs: Inputs) -> dict[str, pa.Schema]:
        return {MAIN: self._layout(), KEYS_OUTPUT: KEYS}

    def _layout(self) -> pa.Schema:
        return pa.schema(
            [
                # Of a release its own; else a hash of the id, or of the text where there is none.
                pa.field("id", pa.binary(16), nullable=False),
                pa.field("reference", pa.string(), nullable=False),  # the id as the file has it; '' = `id` in hex
                pa.field("exact", pa.binary(16), nullable=False),  # BLAKE2b-128 of the dedup key
                pa.field("compact", pa.binary(self.bins // 2)),  # null: shorter than an n-gram
            ]
        )

    def run(self, inputs: Inputs, sink: Sink) -> None:
        assert inputs.file is not None
        rows, count = _Run(), 0
        found = self._documents(inputs.file, sink)
        while batch := list(itertools.islice(found, BATCH)):
            table, keys, owners = self._index(batch)
            sink.write(table, cut=True)
            rows.add(keys, owners + np.int32(count), len(batch))
            count += len(batch)
            if rows.documents >= RUN:
                sink.write(rows.taken(), to=KEYS_OUTPUT, cut=True)
        sink.write(rows.taken(), to=KEYS_OUTPUT, cut=True)
        sink.count("indexed", count)

    def _documents(self, file: SourceFile, sink: Sink) -> Iterator[Cells]:
        for cells in self._reader(file).cells(file):
            if isinstance(cells, Loss):
                sink.quarantine(id="", url="", where=f"{file.name} {cells.where}", error=cells.error)
            elif not cells.text:
                sink.count("without a text")
            else:
                yield cells

    def _reader(self, file: SourceFile) -> ExtractParquet | ExtractJsonl:
        """What a file is, its first bytes tell."""
        try:
            with open(file.path, "rb") as opened:
                parquet = opened.read(4) == b"PAR1"
        except OSError as error:
            raise InputError(f"{file.path}: {error.strerror}: give a Parquet or JSONL file") from error
        return (ExtractParquet if parquet else ExtractJsonl)(text_column=self.text_column, id_column=self.id_column)

    def _index(self, documents: Iterable[Cells]) -> tuple[pa.Table, Keys, I32]:
        """The rows of some documents, and their keys with the number of the document among these."""
        ids, references, exacts, compacts, signatures, signed = [], [], [], [], [], []
        for number, cells in enumerate(documents):
            text = cells.text or ""
            key = dedup_key(text, self.mask_digits)
            hashes = ngram_hashes(key, self.ngram)
            id, reference = _named(cells.id, text)
            ids.append(id)
            references.append(reference)
            exacts.append(exact_hash(text, key))
            compacts.append(compact(hashes, self.bins).tobytes() if len(hashes) else None)
            if len(hashes):
                signatures.append(signature(hashes, self.permutations, self.seed))
                signed.append(number)
        columns = [
            pa.array(values, field.type)
            for values, field in zip((ids, references, exacts, compacts), self._layout(), strict=True)
        ]
        shape = Shape(self.bands, self.rows)
        stacked = np.array(signatures, dtype=np.uint32).reshape(len(signatures), self.permutations)
        whole = exact_keys(np.frombuffer(b"".join(exacts), dtype="<u4").reshape(len(exacts), 4))
        keys = np.concatenate([band_keys(stacked, shape).reshape(-1), whole])
        owners = np.concatenate([np.repeat(np.array(signed, dtype=np.int32), self.bands), np.arange(len(exacts))])
        return pa.table(columns, schema=self._layout()), shortened(keys), owners.astype(np.int32)


def digest_of(*arrays: npt.NDArray[np.uint32]) -> str:
    """16 hex digits that tell these functions of MinHash from others."""
    return hashlib.sha256(b"".join(array.astype("<u4").tobytes() for array in arrays)).hexdigest()[:16]


def shortened(keys: Keys) -> Keys:
    """Band keys as an index has them, in the same order."""
    out: Keys = keys >> _DROPPED
    return out


def _named(cell: Any, text: str) -> tuple[bytes, str]:
    """The id of a document and the id that its file has for it, '' where that says no more."""
    own = "" if cell is None or isinstance(cell, bool | list | dict) else str(cell)
    if _RELEASED.fullmatch(own):
        return bytes.fromhex(own), ""
    return document_id("id", own) if own else document_id("text", text), own


class _Run:
    """Keys of up to `RUN` documents, waiting to be sorted."""

    def __init__(self) -> None:
        self._waiting = [(np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int32))]
        self.documents = 0

    def add(self, keys: Keys, owners: I32, documents: int) -> None:
        self._waiting.append((keys, owners))
        self.documents += documents

    def taken(self) -> pa.Table:
        """All of them by (key, row), without those of a key that it would lead to beyond `HOT`."""
        keys, owners = (np.concatenate(arrays) for arrays in zip(*self._waiting, strict=True))
        self._waiting, self.documents = self._waiting[:1], 0
        order = np.lexsort((owners, keys))
        keys, owners = keys[order], owners[order]
        new = np.ones(len(keys), dtype=np.bool_)
        new[1:] = keys[1:] != keys[:-1]
        first = np.maximum.accumulate(np.where(new, np.arange(len(keys)), 0))
        stays = np.arange(len(keys)) - first < HOT
        return pa.table([keys[stays], owners[stays]], schema=KEYS)
