"""Made documents and the stages up to dedup over them, in temporary Parquet files."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stages.base import MAIN, Inputs, Part, Stage, document_id
from stages.dedup.bands import Bands
from stages.dedup.dedup import Dedup
from stages.dedup.summary import SUMMARY
from stages.documents import DOCUMENTS
from stages.edits.edits import EDITS_TYPE
from stages.hosts import host_of
from stages.parquet import Rows, Writer
from stages.signatures.address import Address
from stages.signatures.dedupkey import dedup_key
from stages.signatures.minhash import MinHashStage
from stages.signatures.minhash_kernel import distinct, jaccard, ngram_hashes


@dataclass(frozen=True)
class Document:
    name: str
    text: str
    keep: bool = True
    date: str = "2024-01-01T00:00:00Z"
    edits: tuple[tuple[int, int, str], ...] = ()
    url: str = ""  # '' = one of its own

    @property
    def id(self) -> bytes:
        return document_id(self.name)


@dataclass
class FileSink:
    """A sink that writes as the runner's does: pinned writer, row groups by `group_rows` or where a cut says so."""

    stage: Stage
    inputs: Inputs
    scratch: Path
    counters: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        schemas = self.stage.outputs(self.inputs)
        self._writers = {n: Writer(self._path(n), schema, self.stage.group_rows) for n, schema in schemas.items()}

    def _path(self, name: str) -> Path:
        return self.scratch / f"{self.stage.key}-{name}.parquet"

    def write(self, table: pa.Table, to: str = MAIN, *, cut: bool = False) -> None:
        if to not in self._writers:
            self._writers[to] = Writer(self._path(to), self.stage.further, self.stage.group_rows)
        self._writers[to].write(table, cut=cut)

    def count(self, counter: str, n: int = 1) -> None:
        self.counters[counter] = self.counters.get(counter, 0) + n

    def reason(self, code: str, n: int = 1) -> None:
        self.count(f"reason.{code}", n)

    def quarantine(self, *, id: str, url: str, where: str, error: str) -> None:
        raise AssertionError(f"{id} {url} {where}: {error}")

    def close(self) -> dict[str, Rows]:
        for writer in self._writers.values():
            writer.close()
        return {name: Rows(str(self._path(name)), "", w.rows_written) for name, w in self._writers.items()}


def run(stage: Stage, inputs: Inputs, folder: Path) -> tuple[dict[str, Rows], dict[str, int]]:
    folder.mkdir(parents=True, exist_ok=True)
    sink = FileSink(stage, inputs, folder)
    stage.run(inputs, sink)
    return sink.close(), sink.counters


def rows_of(folder: Path, name: str, table: pa.Table) -> Rows:
    path = folder / f"{name}.parquet"
    with Writer(path, table.schema, 7) as writer:  # small row groups, so that tests cross their borders
        writer.write(table)
    return Rows(str(path), "", table.num_rows)


def partition(
    folder: Path, id: str, documents: Sequence[Document], source: str = "web", rank: int = 0, **minhash: Any
) -> Part:
    """Extract, edits, verdict and minhash of these documents."""
    folder = folder / id
    folder.mkdir(parents=True, exist_ok=True)
    urls = [d.url or f"https://example.jp/{d.name}" for d in documents]
    columns = {
        "id": pa.array([d.id for d in documents], pa.binary(16)),
        "url": pa.array(urls, pa.string()),
        "host": pa.array([host_of(url) for url in urls], pa.string()),
        "record": pa.array([d.name for d in documents], pa.string()),
        "date": pa.array([d.date for d in documents], pa.string()),
        "text": pa.array([d.text for d in documents], pa.large_string()),
    }
    edits = [[{"start": s, "end": e, "text": t} for s, e, t in d.edits] for d in documents]
    extract = pa.table(columns, schema=pa.schema([DOCUMENTS.field(name) for name in columns]))
    rows = {
        "extract": rows_of(folder, "extract", extract),
        "edits": rows_of(folder, "edits", pa.table({"edits": pa.array(edits, EDITS_TYPE)})),
        "verdict": rows_of(folder, "verdict", pa.table({"keep": pa.array([d.keep for d in documents], pa.bool_())})),
    }
    written, _ = run(MinHashStage(**minhash), Inputs(parts=(Part(id, source, rank, rows),)), folder)
    signed = pq.read_table(written[MAIN].path)
    rows["minhash"] = rows_of(folder, "minhash", signed)
    addressed, _ = run(Address(), Inputs(parts=(Part(id, source, rank, rows),)), folder)
    rows["address"] = addressed[MAIN]
    return Part(id, source, rank, rows)


def banded(folder: Path, *groups: Iterable[Part], **params: Any) -> list[Part]:
    """One band run for each group of partitions."""
    runs = []
    for number, group in enumerate(groups):
        written, _ = run(Bands(**params), Inputs(parts=tuple(group)), folder / f"run{number}")
        runs.append(Part(f"run{number}", "", 0, {"bands": written[MAIN]}))
    return runs


@dataclass
class Deduped:
    counters: dict[str, int]
    bytes: dict[str, bytes]  # partition -> file
    tables: dict[str, list[dict[str, Any]]]  # partition -> rows, keeper and component as document names
    summary: list[dict[str, Any]]  # example and keeper as document names
    rows: dict[str, dict[str, Any]]  # document name -> its row (the last, where a document is in several partitions)
    kept: list[str]


def dedup(folder: Path, parts: Sequence[Part], runs: Sequence[Part] | None = None, **params: Any) -> Deduped:
    if runs is None:
        runs = banded(folder / "bands", parts, addresses="url" in params.get("levels", ()))
    written, counters = run(Dedup(**params), Inputs(parts=(*parts, *runs)), folder / "dedup")
    extracted = {part.id: part.rows["extract"].read(("id", "record")).to_pylist() for part in parts}
    named = {row["id"]: row["record"] for rows in extracted.values() for row in rows}
    tables = {part.id: written[part.id].read().to_pylist() for part in parts}
    rows: dict[str, dict[str, Any]] = {}
    for id, table in tables.items():
        for row, document in zip(table, extracted[id], strict=True):
            row["keeper"], row["component"] = named.get(row["keeper"]), named.get(row["component"])
            rows[named[document["id"]]] = row
    summary = written[SUMMARY].read().to_pylist()
    for row in summary:
        row["example"], row["keeper"] = (named.get(bytes.fromhex(row[what])) for what in ("example", "keeper"))
    files = {part.id: Path(written[part.id].path).read_bytes() for part in parts}
    return Deduped(counters, files, tables, summary, rows, sorted(name for name, row in rows.items() if row["keep"]))


def prose(length: int, seed: int) -> str:
    """Random kanji: every 5-gram is its own, so similarities can be set by lengths alone."""
    return "".join(chr(0x4E00 + n) for n in random.Random(seed).choices(range(20000), k=length))


def alike(jaccard: float, length: int, seed: int) -> tuple[str, str]:
    """Two texts of `length` characters whose character 5-gram Jaccard similarity is `jaccard`, to 1 / length.

    They share a beginning: c common n-grams of n each make c / (2n - c).
    """
    ngrams = length - 4
    common = round(2 * jaccard * ngrams / (1 + jaccard))
    head = prose(common + 4, seed)
    rest = length - len(head)
    return head + prose(rest, seed + 1_000_003), head + prose(rest, seed + 2_000_003)


def world(seed: int = 0) -> list[Document]:
    """Clusters of edited copies, exact copies, chains, short texts, rejected ones and loners."""
    rng = random.Random(seed)
    documents: list[Document] = []
    for cluster in range(12):
        base = prose(rng.randrange(200, 500), 100 * seed + cluster)
        for copy in range(rng.randrange(1, 8)):
            cut, added = (
                rng.randrange(len(base) // rng.choice((5, 40))),
                rng.randrange(len(base) // rng.choice((5, 40))),
            )
            text = base[cut:] + prose(added, rng.randrange(2**31))
            text = base if rng.random() < 0.2 else text
            date = f"20{rng.randrange(10, 24)}-01-01T00:00:00Z"
            documents.append(Document(f"{cluster}-{copy}", text, keep=rng.random() < 0.9, date=date))
    return documents + [Document(f"short{n}", "短い"[: n % 3]) for n in range(5)]


def similarity(one: str, other: str) -> float:
    """Exact Jaccard similarity of the character 5-grams of two texts."""
    return jaccard(*(distinct(ngram_hashes(dedup_key(text), 5)) for text in (one, other)))
