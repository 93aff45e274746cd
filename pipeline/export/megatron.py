"""Megatron-LM: token ids in `.bin`, where each document lies in `.idx`, and the blend file that trains on them.

The layout is that of megatron/core/datasets/indexed_dataset.py, version 1, little-endian: magic, u64 version, u8 dtype,
u64 sequences, u64 documents + 1, int32 lengths, int64 byte offsets, int64 document bounds. One prefix a source and split:
the blend index is int16, and many prefixes slow the start. A weight is tokens x repeat: trainers think in epochs, and
Megatron's weights are shares of samples.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.commit import canonical
from pipeline.errors import ShortError, UsageError
from pipeline.export import Release, hold, record
from pipeline.manifest import Manifest, ShardEntry, TokenizerEntry
from pipeline.release import write
from stages.vocabulary import Named

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
    out.mkdir(parents=True, exist_ok=True)
    blends: dict[str, list[str]] = {name: [] for name in SPLITS.values()}
    told: dict[str, dict[str, int]] = {}
    with tempfile.TemporaryDirectory(dir=out, prefix=".parts-") as scratch:
        parts = _tokenized(release, named, dtype, options, Path(scratch))
        for (source, split), entries in release.groups().items():
            prefix = f"{source}-{split}"
            counts = release.counts(entries)
            tokens, documents = _put_together([next(parts) for _ in entries], out / prefix, dtype)
            extra = counts.documents if options.eod is not None else 0
            hold(f"documents of {prefix}", documents, counts.documents)
            hold(f"{named.key} tokens of {prefix}", tokens, counts.tokens[named.key] + extra)
            told[prefix] = {"documents": documents, "tokens": tokens}
            weight = tokens * (repeats.get(source, 1.0) if split == "train" else 1.0)
            blends[SPLITS[split]] += [f"{weight:.0f}", os.path.join(options.prefix or str(out), prefix)]
    for left in (f for f in sorted(out.iterdir()) if f.suffix in (".bin", ".idx") and f.stem not in told):
        left.unlink()  # of an earlier export: what was removed since must not stay
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
    """The parts in the order of the groups' shards; a process a shard, a few ahead of the one that is asked for."""
    ordered = [entry for entries in release.groups().values() for entry in entries]
    workers = min(options.workers or os.cpu_count() or 1, len(ordered) or 1)
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(
            _tokenize,
            [release.folder] * len(ordered),
            ordered,
            [named] * len(ordered),
            [dtype] * len(ordered),
            [options.eod] * len(ordered),
            [scratch / f"{number}.bin" for number in range(len(ordered))],
        )


def _tokenize(
    folder: Path, entry: ShardEntry, named: Named, dtype: np.dtype[np.generic], eod: int | None, target: Path
) -> _Part:
    """The ids of a shard in `target`; each document must have the tokens that its row says."""
    tokenizer = named.load()
    lengths: list[npt.NDArray[np.int32]] = []
    with pq.ParquetFile(folder / entry.path, page_checksum_verification=True) as parquet, target.open("wb") as file:
        for group in range(parquet.num_row_groups):
            table = parquet.read_row_group(group, columns=["text", named.column])
            ids = tokenizer.ids(table["text"].to_pylist())
            counted = np.fromiter(map(len, ids), np.int64, len(ids))
            if not np.array_equal(counted, table[named.column].cast(pa.int64()).to_numpy()):
                raise ShortError(
                    f"{entry.path}: row group {group}: {named.key} counts other tokens than {named.column} says; another "
                    f"version of its library? `seimai verify` the release, and install the version in the manifest"
                )
            end = [] if eod is None else [eod]
            np.array([id for each in ids for id in (*each, *end)], dtype=dtype).tofile(file)
            lengths.append((counted + len(end)).astype(np.int32))
    return _Part(target, np.concatenate(lengths))


def _put_together(parts: Sequence[_Part], prefix: Path, dtype: np.dtype[np.generic]) -> tuple[int, int]:
    """Write `prefix`.bin and .idx. Returns tokens and documents, as the written .idx has them."""
    draft = prefix.with_name(f".{prefix.name}.bin")
    with draft.open("wb") as file:
        for part in parts:
            with part.bin.open("rb") as ids:
                shutil.copyfileobj(ids, file, 1 << 20)
            part.bin.unlink()
    lengths = np.concatenate([part.lengths for part in parts]).astype("<i4")
    documents = len(lengths)
    offsets = np.zeros(documents, dtype="<i8")
    np.cumsum(lengths[:-1].astype(np.int64) * dtype.itemsize, out=offsets[1:])
    tokens = int(lengths.astype(np.int64).sum())
    hold(f"bytes of {prefix.name}.bin", draft.stat().st_size, tokens * dtype.itemsize)
    header = (
        MAGIC + np.uint64(1).tobytes() + bytes([_CODES[dtype]]) + np.array([documents, documents + 1], "<u8").tobytes()
    )
    bounds = np.arange(documents + 1, dtype="<i8")
    os.replace(draft, f"{prefix}.bin")
    write(Path(f"{prefix}.idx"), header + lengths.tobytes() + offsets.tobytes() + bounds.tobytes())
    return tokens, documents
