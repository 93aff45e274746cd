"""Indexes of made documents and what they know of others, without a runner."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stages.base import MAIN, Inputs, Part, SourceFile
from stages.indexes.compact import FEWEST, VALUES
from stages.indexes.compacts import Compacts
from stages.indexes.index import KEYS_OUTPUT, Index
from stages.indexes.known import Known
from stages.parquet import Rows
from stages.signatures.dedupkey import dedup_key, exact_hash
from stages.signatures.lsh import Shape, band_keys
from stages.signatures.minhash_kernel import ngram_hashes, signature
from tests.dedup_corpus import Document, partition, rows_of, run


def source_file(path: Path) -> SourceFile:
    return SourceFile(str(path), "00", path.stat().st_size)


def index(folder: Path, name: str, documents: Sequence[Document], id: str = "0", **params: Any) -> Part:
    """The index of these documents, made from a JSONL file."""
    folder = folder / f"index-{name}-{id}"
    folder.mkdir(parents=True)
    path = folder / "texts.jsonl"
    rows = ({"id": document.name, "text": document.text} for document in documents)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    written, _ = run(Index(id_column="id", **params), Inputs(file=source_file(path)), folder)
    return Part(id, name, -1, {"index": written[MAIN], "index-keys": written[KEYS_OUTPUT]})


def crawl(folder: Path, id: str, documents: Sequence[Document], **more: Any) -> Part:
    """A partition with all that comes before `known`."""
    part = partition(folder, id, documents, **more)
    written, _ = run(Compacts(mask_digits=more.get("mask_digits", False)), Inputs(parts=(part,)), folder / id)
    return Part(id, part.source, part.rank, {**part.rows, "compact": rows_of(folder / id, "c", written[MAIN].read())})


class Answer(NamedTuple):
    rows: dict[str, dict[str, Any]]  # name of a document -> its row
    counters: dict[str, int]
    bytes: dict[str, bytes]  # id of a partition -> its sidecar
    parts: list[Part]  # the partitions with their sidecars

    @property
    def known(self) -> list[str]:
        return sorted(name for name, row in self.rows.items() if row["known"] is not None)


def ask(folder: Path, parts: Sequence[Part], indexes: Sequence[Part], **params: Any) -> Answer:
    written, counters = run(Known(**params), Inputs(parts=(*parts, *indexes)), folder)
    rows, files, done = {}, {}, []
    for part in parts:
        urls = part.rows["extract"].read(("url",))["url"].to_pylist()
        names = [url.rsplit("/", 1)[1] for url in urls]
        rows |= dict(zip(names, written[part.id].read().to_pylist(), strict=True))
        files[part.id] = Path(written[part.id].path).read_bytes()
        sidecar: Rows = written[part.id]
        done.append(Part(part.id, part.source, part.rank, {**part.rows, "known": sidecar}))
    return Answer(rows, counters, files, done)


class Signed(NamedTuple):
    exact: bytes
    keys: set[int]
    bins: dict[int, int]  # of those that are filled


def sign(text: str) -> Signed:
    """What a text is compared by, the slow way."""
    key = dedup_key(text)
    hashes = ngram_hashes(key, 5)
    least: dict[int, int] = {}
    for hash in hashes.tolist():
        least[hash >> 55] = min(hash, least.get(hash >> 55, hash))
    keys: set[int] = set()
    if len(hashes):
        signed = signature(hashes, 112, 1).reshape(1, -1)
        keys = {key >> 24 for key in band_keys(signed, Shape())[0].tolist()}
    return Signed(exact_hash(text, key), keys, {b: 1 + (h & 0xFFFFFFFF) % VALUES for b, h in least.items()})


def naive(one: Signed, other: Signed, similarity: float = 0.8, errors: float = 3.0) -> float:
    """2 for the same dedup key, the estimate for a pair that shares a band and is clearly alike, else -1."""
    if one.exact == other.exact:
        return 2.0
    filled = len(one.bins.keys() | other.bins.keys())
    if not one.keys & other.keys or filled < FEWEST:
        return -1.0
    alike = sum(other.bins.get(place) == value for place, value in one.bins.items())
    both = len(one.bins.keys() & other.bins.keys())
    expected = similarity + max(both / filled - similarity, 0) / VALUES
    least = min(filled * expected + errors * np.sqrt(filled * expected * (1 - expected)), filled)
    estimate = (alike - both / VALUES) / (filled * (1 - 1 / VALUES))
    return float(np.clip(estimate, 0, 1)) if alike >= least else -1.0
