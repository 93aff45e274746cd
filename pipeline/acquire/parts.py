"""The chosen records as partitions: content-addressed Parquet files, the same bytes from any order of files and rows.

    <folder>/scan/<index file>.arrow, .json     chosen rows of one index file, and its tally: a killed run goes on here
    <folder>/<bucket>-<sha16>.parquet           a part: `index.CHOSEN`, sorted by file and offset
    <folder>/<selection and index files>.json   the names of all parts, written last; it spares the next run the scan

Records of one WARC lie in one part: parts go by the leading bits of sha256(WARC name), as many bits as make parts of about
`PART` records. Memory, beside that of `index.scan`: `SPILL` rows (60 MB) and 1/256 of the selection, so about 10 MB for
10 million records and 1 GB for a thousand million; the scans on disk are about 60 bytes a record.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.acquire.index import CHOSEN, Open, Tally, check_languages, scan
from pipeline.acquire.selection import Selection, file_keys
from pipeline.commit.commit import digest
from stages.parquet import Writer

VERSION = 1  # raised when the same selection over the same index may give other parts
PART = 4000  # records: half a minute of work for a core, and few enough requests to repeat
SPILL = 1 << 18  # chosen rows held before they go to disk
_GROUP = 1 << 16  # rows in a row group of a part
_OPEN = 256  # scans open at once, well below the 1,024 files that a process may have
_BITS = 8  # leading bits by which chosen rows are kept apart on disk
_BUCKETS = 1 << _BITS


@dataclass(frozen=True, slots=True)
class IndexFile:
    """One file of the index. `tag` changes when its content does: an ETag, or size and times."""

    place: str
    tag: str


@dataclass(frozen=True, slots=True)
class Parts:
    paths: tuple[Path, ...]
    tally: Tally
    duplicates: int  # rows that listed a record again


def local_index(paths: Iterable[Path]) -> list[IndexFile]:
    return [IndexFile(str(path), f"{path.stat().st_size} {path.stat().st_mtime_ns}") for path in paths]


def make_parts(
    selection: Selection, files: Sequence[IndexFile], folder: Path, open: Open, *, size: int = PART
) -> Parts:
    """Choose records from the index and write them as parts of about `size` records into `folder`.

    A second call with the same selection and index files reads nothing of the index. Raises what `index.scan` raises.
    """
    files = sorted(set(files), key=lambda file: file.place)
    name = digest(["parts", VERSION, size, selection.identity(), sorted([file.place, file.tag] for file in files)])
    found = _finished(folder, name)
    if found is None:
        folder.mkdir(parents=True, exist_ok=True)
        scans, tally = _scan_all(selection, files, folder / "scan", open)
        found = _write_parts(scans, tally, folder, size)
        put(folder / f"{name}.json", _to_json(found))
        shutil.rmtree(folder / "scan")
    return found


def _finished(folder: Path, name: str) -> Parts | None:
    try:
        told = json.loads((folder / f"{name}.json").read_bytes())
    except FileNotFoundError:
        return None
    paths = tuple(folder / part["name"] for part in told["parts"])
    if any(
        not path.exists() or path.stat().st_size != part["bytes"]
        for path, part in zip(paths, told["parts"], strict=True)
    ):
        return None  # a part was deleted: all are made anew, the same ones
    return Parts(paths, Tally(**told["tally"]), told["duplicates"])


def _to_json(parts: Parts) -> bytes:
    listed = [{"name": path.name, "bytes": path.stat().st_size} for path in parts.paths]
    told = {"parts": listed, "tally": asdict(parts.tally), "duplicates": parts.duplicates}
    return json.dumps(told, indent=0, sort_keys=True).encode()


def _scan_all(selection: Selection, files: Sequence[IndexFile], folder: Path, open: Open) -> tuple[list[Path], Tally]:
    """The chosen rows of every index file on disk; what an earlier run has scanned to its end is taken from there."""
    folder.mkdir(parents=True, exist_ok=True)
    scans, total = [], Counter[str]()
    for file in files:
        name = digest(["scan", VERSION, selection.identity(), file.place, file.tag])
        rows, told = folder / f"{name}.arrow", folder / f"{name}.json"
        if not told.exists():
            counts = Counter[str]()
            _spill(scan(file.place, selection, open, counts), rows)
            put(told, json.dumps(counts, sort_keys=True).encode())
        total.update(json.loads(told.read_bytes()))
        check_languages(file.place, selection, total, last=file is files[-1])
        scans.append(rows)
    return scans, Tally(**{name: total[name] for name in Tally.__dataclass_fields__})


def _spill(tables: Iterable[pa.Table], path: Path) -> None:
    """Write rows to an Arrow file in rounds of `_BUCKETS` batches: batch b of a round holds the rows of bucket b."""
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, CHOSEN, options=_COMPRESSED) as writer:
        for table in _gathered(tables):
            bucket = (file_keys(table["file"]) >> np.uint64(64 - _BITS)).astype(np.int64)
            order = np.argsort(bucket, kind="stable")
            ordered = table.take(pa.array(order)).combine_chunks()
            ends = np.searchsorted(bucket[order], np.arange(_BUCKETS), side="right").tolist()
            start = 0
            for end in ends:
                batches = ordered.slice(start, end - start).to_batches()
                writer.write_batch(batches[0] if batches else _EMPTY)
                start = end


_COMPRESSED = pa.ipc.IpcWriteOptions(compression="lz4")
_EMPTY = pa.RecordBatch.from_pylist([], schema=CHOSEN)


def _gathered(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        if sum(map(len, waiting)) >= SPILL:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


def _write_parts(scans: Sequence[Path], tally: Tally, folder: Path, size: int) -> Parts:
    """Records that are listed twice count once before the number of parts is decided: it must not tell how rows lay."""
    distinct, records = _merge_all(scans, folder / "scan")
    bits = max(0, (max(records, 1) - 1) // size).bit_length()
    paths = [_write_part(table, number, bits, folder) for number, table in _parted(distinct, bits)]
    return Parts(tuple(paths), tally, tally.chosen - records)


def _merge_all(scans: Sequence[Path], folder: Path) -> tuple[Path, int]:
    """All scans as one file of `_BUCKETS` batches with each record once, and the number of records."""
    rounds = count()
    while True:
        groups = [scans[first : first + _OPEN] for first in range(0, max(1, len(scans)), _OPEN)]
        merged = [_merge(group, folder / f"merged-{next(rounds)}.arrow") for group in groups]
        if len(merged) == 1:
            return merged[0]
        scans = [path for path, _ in merged]


def _merge(scans: Sequence[Path], to: Path) -> tuple[Path, int]:
    records = 0
    with (
        ExitStack() as opened,
        pa.OSFile(str(to), "wb") as sink,
        pa.ipc.new_file(sink, CHOSEN, options=_COMPRESSED) as writer,
    ):
        readers = [pa.ipc.open_file(opened.enter_context(pa.memory_map(str(path)))) for path in scans]
        for bucket in range(_BUCKETS):
            numbers = [(reader, n) for reader in readers for n in range(bucket, reader.num_record_batches, _BUCKETS)]
            table = _distinct(pa.Table.from_batches([reader.get_batch(n) for reader, n in numbers], CHOSEN))
            writer.write_batch(table.to_batches()[0] if len(table) else _EMPTY)
            records += len(table)
    return to, records


def _distinct(table: pa.Table) -> pa.Table:
    """Sorted by file and offset, each record once. Rows that contradict each other: selected before left out, then the
    smaller length and URL, so that it does not matter which one came first."""
    keys = ("file", "offset", "left_out", "length", "url")
    table = table.sort_by([(key, "ascending") for key in keys]).combine_chunks()
    if len(table) < 2:
        return table
    file, offset = table["file"].combine_chunks(), table["offset"].combine_chunks()
    again = pc.and_(pc.equal(file[1:], file[:-1]), pc.equal(offset[1:], offset[:-1]))
    return table.filter(pc.invert(pa.concat_arrays([pa.array([False]), again]))).combine_chunks()


def _parted(distinct: Path, bits: int) -> Iterator[tuple[int, pa.Table]]:
    """Number and rows of each part that has any, in the order of their numbers."""
    together = 1 << max(0, _BITS - bits)  # buckets that are read at once: more than one only of a small selection
    with pa.memory_map(str(distinct)) as source, pa.ipc.open_file(source) as reader:
        for first in range(0, _BUCKETS, together):
            table = pa.Table.from_batches([reader.get_batch(i) for i in range(first, first + together)], CHOSEN)
            number = file_keys(table["file"]) >> np.uint64(64 - bits) if bits else np.zeros(len(table), dtype=np.uint64)
            for n in np.unique(number).tolist():
                rows = table.filter(pa.array(number == np.uint64(n)))
                yield n, rows.sort_by([("file", "ascending"), ("offset", "ascending")])


def _write_part(table: pa.Table, number: int, bits: int, folder: Path) -> Path:
    draft = folder / "scan" / "part.parquet"
    with Writer(draft, CHOSEN, rows=_GROUP) as writer:
        writer.write(table)
    with draft.open("rb") as content:
        sha256 = hashlib.file_digest(content, "sha256").hexdigest()
    path = folder / f"{number:0{max(1, -(-bits // 4))}x}-{sha256[:16]}.parquet"
    os.replace(draft, path)
    return path


def put(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all."""
    draft = path.with_suffix(".draft")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(draft, path)
