"""Verifying a release: every byte rehashed, every row recounted, and the sums of the funnel proved."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.manifest import Manifest, ShardEntry, read


def verify(release: Path) -> tuple[Manifest, list[str]]:
    """The manifest and what is wrong with the release, a line each; no line when all of it holds."""
    manifest, entries = read(release)
    folder = release if release.is_dir() else release.parent
    return manifest, [*_manifest(manifest, folder, entries), *_shards(manifest, folder, entries)]


def _manifest(manifest: Manifest, folder: Path, entries: list[ShardEntry]) -> Iterator[str]:
    if manifest.id != manifest.content_id():
        yield f"manifest.json: its id is {manifest.id[:16]}… but its content hashes to {manifest.content_id()[:16]}…"
    sha256 = hashlib.sha256((folder / "shards.jsonl").read_bytes()).hexdigest()
    if sha256 != manifest.shards_sha256:
        yield f"shards.jsonl: sha256 is {sha256[:16]}…, the manifest says {manifest.shards_sha256[:16]}…"
    for source in manifest.sources:
        for broken in source.funnel.broken_laws():
            yield f"manifest.json: source {source.name}: not conserved: {broken}"
    for broken in manifest.funnel.broken_laws():
        yield f"manifest.json: not conserved: {broken}"
    summed = sum(source.funnel.records for source in manifest.sources)
    if summed != manifest.funnel.records:
        yield f"manifest.json: the sources read {summed} records, the whole {manifest.funnel.records}"
    sums = {
        "documents": (sum(e.rows for e in entries), manifest.shards.documents, manifest.funnel.written.documents),
        "characters": (
            sum(e.characters for e in entries),
            manifest.shards.characters,
            manifest.funnel.written.characters,
        ),
        "tokens": (sum(e.tokens for e in entries), manifest.shards.tokens, manifest.funnel.written.tokens),
    }
    for what, (shards, stated, written) in sums.items():
        if not shards == stated == written:
            yield f"{what}: the shards hold {shards}, manifest.shards says {stated}, the funnel wrote {written}"


def _shards(manifest: Manifest, folder: Path, entries: list[ShardEntry]) -> Iterator[str]:
    again = "delete it and run the recipe again to re-create it"
    seen: set[tuple[str, str, int]] = set()
    for entry in entries:
        file = folder / entry.path
        if not file.is_file():
            yield f"{entry.path}: missing; {again}"
            continue
        with file.open("rb") as content:
            sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        if sha256 != entry.sha256:
            yield f"{entry.path}: sha256 is {sha256[:16]}…, shards.jsonl says {entry.sha256[:16]}…; {again}"
            continue
        yield from _rows(manifest, file, entry, seen)
    listed = {entry.path for entry in entries}
    for file in sorted((folder / "data").glob("*")):
        if f"data/{file.name}" not in listed:
            yield f"data/{file.name}: not part of this release"


def _rows(manifest: Manifest, file: Path, entry: ShardEntry, seen: set[tuple[str, str, int]]) -> Iterator[str]:
    """Rows, characters and tokens counted anew; ids unique over the whole release; the columns as promised."""
    (tokenizer,) = manifest.tokenizers
    column = f"n_tok_{tokenizer.key}"
    with pq.ParquetFile(file) as parquet:
        columns = {field.name: str(field.type) for field in parquet.schema_arrow}
        if columns != manifest.columns:
            yield f"{entry.path}: its columns are {columns}, the manifest says {manifest.columns}"
            return
        rows = characters = tokens = 0
        for group in range(parquet.num_row_groups):
            table = parquet.read_row_group(group, columns=["id", "text", "characters", column, "origin", "offset"])
            rows += table.num_rows
            lengths = pc.utf8_length(table["text"]).cast(pa.int64())
            if not lengths.equals(table["characters"].cast(pa.int64())):
                yield f"{entry.path}: row group {group}: `characters` is not the length of `text`"
            characters += pc.sum(lengths).as_py() or 0
            tokens += pc.sum(table[column].cast(pa.int64())).as_py() or 0
            for place in zip(*(table[name].to_pylist() for name in ("id", "origin", "offset")), strict=True):
                if place in seen:
                    yield f"{entry.path}: row group {group}: document {place[0]} is in the release twice"
                seen.add(place)
    counted = {"rows": rows, "characters": characters, "tokens": tokens}
    for what, count in counted.items():
        if count != getattr(entry, what):
            yield f"{entry.path}: {count} {what}, shards.jsonl says {getattr(entry, what)}"
