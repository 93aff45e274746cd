"""Megatron-LM: token ids in `.bin`, where each document lies in `.idx`, and the blend file that trains on them.

The layout is that of megatron/core/datasets/indexed_dataset.py, version 1, little-endian: magic, u64 version, u8 dtype,
u64 sequences, u64 documents + 1, int32 lengths, int64 byte offsets, int64 document bounds. One prefix a source and split:
the blend index is int16, and many prefixes slow the start. A weight is tokens x repeat: trainers think in epochs, and
Megatron's weights are shares of samples. Where the release has a column `repeat`, each document stands so many times in a row.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.commit.commit import canonical
from pipeline.errors import ShortError, UsageError
from pipeline.export import Release, begin, hold, record
from pipeline.manifest.counts import ShardEntry
from pipeline.manifest.manifest import Manifest, TokenizerEntry
from pipeline.store.folder import write
from pipeline.store.opening import open_store
from stages.measure.vocabulary import Named
from stages.parquet import open_checked
from stages.release.repeat import COLUMN

MAGIC = b"MMIDIDX\x00\x00"
_CODES = {np.dtype("<u2"): 8, np.dtype("<i4"): 4}
SMALL = 65500  # vocabularies below it fit uint16; Megatron's own bound
SPLITS = {"train": "train", "validation": "valid", "test": "test"}  # as --per-split-data-args-path calls them


@dataclass(frozen=True)
class Options:
    key: str = ""  # of the tokenizer in the manifest; '' = its first
    file: str = "qwen"  # where that tokenizer lies here
    eod: int | None = None  # id to append to each document
    repeats: Mapping[str, float] | None = None  # source -> epochs of its training split
    prefix: str = ""  # folder that the blend file names, where the trainer sees `out` elsewhere
    workers: int = 0


class _Part(NamedTuple):
    """The ids of one shard, in a file of its own until its group is put together."""

    bin: Path
    lengths: npt.NDArray[np.int32]


def export(release: Release, out: Path, options: Options) -> list[str]:
    """Write `<source>-<split>.bin/.idx`, blend.txt and per-split.json to `out`. Returns what was done."""
    entry, named = tokenizer_of(release.manifest, options.key, options.file)
    repeats = dict(options.repeats or {})
    if unknown := sorted(repeats.keys() - {source.name for source in release.manifest.sources}):
        raise UsageError(
            f"--repeat {unknown[0]}: no such source; known are {', '.join(s.name for s in release.manifest.sources)}"
        )
    dtype = np.dtype("<u2" if max(entry.vocabulary, (options.eod or 0) + 1) < SMALL else "<i4")
    asked = {name: getattr(options, name) for name in ("key", "file", "eod", "prefix")}
    prefixes = [f"{source}-{split}" for source, split in release.groups()]
    names = [*(f"{prefix}{end}" for prefix in prefixes for end in (".bin", ".idx")), "blend.txt", "per-split.json"]
    earlier = begin(out, "megatron", {**asked, "repeats": repeats}, names)
    for killed in out.glob(".parts-*"):  # of an export that was
        shutil.rmtree(killed)
    blends: dict[str, list[str]] = {name: [] for name in SPLITS.values()}
    told: dict[str, dict[str, int]] = {}
    with tempfile.TemporaryDirectory(dir=out, prefix=".parts-") as scratch:
        parts = _tokenized(release, named, dtype, options, Path(scratch))
        for (source, split), entries in release.groups().items():
            prefix = f"{source}-{split}"
            counts = release.counts(entries)
            tokens, documents = _put_together(islice(parts, len(entries)), out / prefix, dtype)
            stated = counts.weighted or counts
            extra = stated.documents if options.eod is not None else 0
            hold(f"documents of {prefix}", documents, stated.documents)
            hold(f"{named.key} tokens of {prefix}", tokens, stated.tokens[named.key] + extra)
            told[prefix] = {"documents": documents, "tokens": tokens}
            weight = tokens * (repeats.get(source, 1.0) if split == "train" else 1.0)
            blends[SPLITS[split]] += [f"{weight:.0f}", os.path.join(options.prefix or str(out), prefix)]
    for left in earlier:
        if left.endswith((".bin", ".idx")):
            (out / left).unlink(missing_ok=True)  # what was removed since must not stay
    write(out / "blend.txt", (" ".join(blends["train"]) + "\n").encode())
    write(out / "per-split.json", canonical({name: blend for name, blend in blends.items() if blend}) + b"\n")
    what = {"tokenizer": entry.key, "sha256": entry.sha256, "eod": options.eod, "dtype": dtype.name, "prefixes": told}
    record(out, release, "megatron", what)
    total = sum(each["tokens"] for each in told.values())
    return [
        f"{out}: {len(told)} prefixes, {total:,} {entry.key} tokens as {dtype.name}, "
        + ("no EOD" if options.eod is None else f"EOD {options.eod} after each document"),
        f"--data-args-path {out / 'blend.txt'}, or --per-split-data-args-path {out / 'per-split.json'}",
    ]


def tokenizer_of(manifest: Manifest, key: str, file: str) -> tuple[TokenizerEntry, Named]:
    """The manifest's tokenizer of a key ('' = the first) and the file that is it. UsageError for a foreign one."""
    entries = {entry.key: entry for entry in manifest.tokenizers}
    key = key or manifest.tokenizers[0].key
    if key not in entries:
        raise UsageError(f"--tokenizer {key}: the release has no n_tok_{key}; it has {', '.join(entries)}")
    entry = entries[key]
    named = Named(key, file, entry.pattern)
    found = named.load()
    if found.sha256 != entry.sha256:
        raise UsageError(
            f"{file}: not the tokenizer {key} of this release: sha256 {found.sha256[:16]}…, the manifest says "
            f"{entry.sha256[:16]}… ({entry.kind}, {entry.vocabulary:,} entries); its ids would be other ids"
        )
    return entry, named


def _tokenized(
    release: Release, named: Named, dtype: np.dtype[np.generic], options: Options, scratch: Path
) -> Iterator[_Part]:
    """The parts in the order of the groups' shards; a process a shard, at most two a worker ahead of what is asked for."""
    ordered = [entry for entries in release.groups().values() for entry in entries]
    workers = min(options.workers or os.cpu_count() or 1, len(ordered) or 1)
    ahead: deque[Future[_Part]] = deque()
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            for number, entry in enumerate(ordered):
                target = scratch / f"{number}.bin"
                ahead.append(pool.submit(_tokenize, str(release.folder), entry, named, dtype, options.eod, target))
                if len(ahead) > 2 * workers:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()


def _tokenize(
    folder: str, entry: ShardEntry, named: Named, dtype: np.dtype[np.generic], eod: int | None, target: Path
) -> _Part:
    """The ids of a shard in `target`, each document as often as its row says; it must have the tokens that its row says."""
    tokenizer = named.load()
    lengths: list[npt.NDArray[np.int32]] = []
    with open_checked(open_store(folder).path(entry.path)) as parquet, target.open("wb") as file:
        repeat = [COLUMN] if COLUMN in parquet.schema_arrow.names else []
        for group in range(parquet.num_row_groups):
            table = parquet.read_row_group(group, columns=["text", named.column, *repeat])
            ids = tokenizer.ids(table["text"].to_pylist())
            counted = np.fromiter(map(len, ids), np.int64, len(ids))
            if not np.array_equal(counted, table[named.column].cast(pa.int64()).to_numpy()):
                raise ShortError(
                    f"{entry.path}: row group {group}: {named.key} counts other tokens than {named.column} says; another "
                    f"version of its library? `seimai verify` the release, and install the version in the manifest"
                )
            if eod is not None:
                counted += 1
                for each in ids:
                    each.append(eod)
            if repeat:
                times = table[COLUMN].to_pylist()
                for each, n in zip(ids, times, strict=True):
                    file.write(np.array(each, dtype).tobytes() * n)
                counted = np.repeat(counted, times)
            else:
                np.fromiter(chain.from_iterable(ids), dtype, int(counted.sum())).tofile(file)
            lengths.append(counted.astype(np.int32))
    return _Part(target, np.concatenate(lengths))


def _put_together(parts: Iterable[_Part], prefix: Path, dtype: np.dtype[np.generic]) -> tuple[int, int]:
    """Write `prefix`.bin and .idx. Returns tokens and documents."""
    ids, index = (prefix.with_name(f".{prefix.name}.{suffix}") for suffix in ("bin", "idx"))
    each: list[npt.NDArray[np.int32]] = []
    with ids.open("wb") as file:
        for part in parts:
            with part.bin.open("rb") as content:
                shutil.copyfileobj(content, file, 1 << 20)
            part.bin.unlink()
            each.append(part.lengths)
    lengths = np.concatenate(each).astype("<i4")
    documents = len(lengths)
    ends = np.cumsum(lengths, dtype="<i8")
    tokens = int(ends[-1])
    hold(f"bytes of {prefix.name}.bin", ids.stat().st_size, tokens * dtype.itemsize)
    with index.open("wb") as file:
        file.write(MAGIC + np.uint64(1).tobytes() + bytes([_CODES[dtype]]))
        np.array([documents, documents + 1], "<u8").tofile(file)
        lengths.tofile(file)
        ((ends - lengths) * dtype.itemsize).tofile(file)
        np.arange(documents + 1, dtype="<i8").tofile(file)
    os.replace(ids, f"{prefix}.bin")
    os.replace(index, f"{prefix}.idx")
    return tokens, documents
