"""Verifying a release: every byte rehashed, every row recounted, and the sums of the funnel proved.

Mode `size` looks at the sizes of the files alone: seconds for a release of any size, before a training run starts.
"""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.commit.erase import listed_whole
from pipeline.manifest.counts import Counts, ShardEntry
from pipeline.manifest.manifest import Manifest, edited, read, shelf
from pipeline.release.release import credits_of
from pipeline.release.verify_ids import repeated
from pipeline.release.verify_repeat import READS, Recount
from pipeline.store.places import Place
from pipeline.store.store import Store
from stages.parquet import open_checked
from stages.release.host_table import HOSTS
from stages.release.left_out import REMOVALS, Denied

MODES = ("sha256", "size")


def verify(release: Place, mode: str = "sha256", workers: int = 0, again: str = "") -> tuple[Manifest, list[str]]:
    """The manifest and what is wrong with the release, a line each; no line when all of it holds.

    `workers`: files at once (0: one a CPU). `again`: the command that re-creates what is missing.
    """
    manifest, entries = read(release)
    store = shelf(release)
    again = again or "run the recipe again"
    denied = _denied(store)
    there = {entry.name: entry.bytes for entry in store.entries("data")}

    def look(entry: ShardEntry) -> list[str]:
        return list(_shard(manifest, store, entry, there.get(entry.path), mode, again, denied))

    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:  # hashing and Parquet hold no lock
        found = [line for lines in pool.map(look, entries) for line in lines]
    if mode == "sha256" and not found:
        found += repeated(store, entries)
    found += _hosts(manifest, store, mode, again)
    found += _notice(manifest, store, again)
    return manifest, [*_manifest(manifest, store, entries), *found, *_strays(store, entries)]


def _denied(store: Store) -> Denied:
    """The list of removals of a release."""
    content = store.read(REMOVALS)
    return Denied.parse("", b"") if content is None else listed_whole(store.path(REMOVALS), content)


def _manifest(manifest: Manifest, store: Store, entries: list[ShardEntry]) -> Iterator[str]:
    yield from edited(manifest, store)
    for source in manifest.sources:
        for broken in source.funnel.broken_laws():
            yield f"manifest.json: source {source.name}: not conserved: {broken}"
    for broken in manifest.funnel.broken_laws():
        yield f"manifest.json: not conserved: {broken}"
    yield from _new(manifest)
    summed = sum(source.funnel.records for source in manifest.sources)
    if summed != manifest.funnel.records:
        yield f"manifest.json: the sources read {summed} records, the whole {manifest.funnel.records}"
    keys = [tokenizer.key for tokenizer in manifest.tokenizers]
    if any(entry.tokens.keys() != set(keys) for entry in entries):
        yield f"shards.jsonl: its tokens are not those of the manifest's tokenizers ({', '.join(keys)})"
        return
    stated = [("manifest.shards", manifest.shards, entries)]
    stated += [(f"split {s.name}", s.written, [e for e in entries if e.split == s.name]) for s in manifest.splits]
    stated += [(f"source {s.name}", s.written, [e for e in entries if e.source == s.name]) for s in manifest.sources]
    for what, counts, own in stated:
        if counts != (summed_up := Counts.of(own, keys)):
            yield f"manifest.json: {what}: the shards hold {_told(summed_up)}, stated are {_told(counts)}"
    written = manifest.funnel.written
    if (written.documents, written.characters, written.tokens) != (
        manifest.shards.documents,
        manifest.shards.characters,
        manifest.shards.tokens[keys[0]],
    ):
        yield f"manifest.json: the shards hold {_told(manifest.shards)}, the funnel wrote {written.documents} documents"


def _new(manifest: Manifest) -> Iterator[str]:
    """What it says is known and new is what the funnel says."""
    funnel, new = manifest.funnel, manifest.new
    known = funnel.duplicates.get("dedup.known", 0)
    stated = (0, 0) if new is None else (new.known, sum(each.known for each in new.against))
    if stated != (known, known):
        yield f"manifest.json: new: {stated[0]} documents are known, {stated[1]} by its indexes, the funnel says {known}"
    written = (funnel.written.documents, funnel.written.characters)
    # What was removed since was new all the same.
    if new is not None and not manifest.parent_id and (new.documents, new.characters) != written:
        yield f"manifest.json: new: {new.documents} documents, {new.characters} characters; written were {written}"


def _told(counts: Counts) -> str:
    seen = "" if (w := counts.weighted) is None else f" (seen: {w.documents}, {w.characters}, {w.tokens})"
    return f"{counts.documents} documents, {counts.characters} characters, tokens {counts.tokens}{seen}"


def _shard(
    manifest: Manifest, store: Store, entry: ShardEntry, found: int | None, mode: str, again: str, denied: Denied
) -> Iterator[str]:
    problem = _bytes(store, entry.path, found, entry.bytes, entry.sha256, mode)
    if problem:
        yield f"{entry.path}: {problem}; to re-create it: {_mend(store, entry.path, found, again)}"
    elif mode == "sha256":
        yield from _rows(manifest, store.path(entry.path), entry, denied)


def _bytes(store: Store, name: str, found: int | None, size: int, sha256: str, mode: str) -> str:
    """What is wrong with the bytes of a file that has `found` of them (None: there is none), or ''."""
    if found is None:
        return "missing"
    if found != size:
        return f"{found} bytes, the manifest says {size}"
    try:
        if mode == "sha256":
            with store.open(name) as content:
                digest = hashlib.file_digest(content, "sha256").hexdigest()
            if digest != sha256:
                return f"sha256 is {digest[:16]}…, the manifest says {sha256[:16]}…"
    except OSError as error:
        return "missing" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
    return ""


def _mend(store: Store, name: str, found: int | None, again: str) -> str:
    if found is None:
        return again
    rm = "rm" if isinstance(store.place, Path) else "aws s3 rm"
    return f"{rm} {shlex.quote(store.path(name))} && {again}"


def _notice(manifest: Manifest, store: Store, again: str) -> Iterator[str]:
    """Whoever has the text must be told whose it is. Compared by line: another Seimai may word the rest otherwise."""
    content = store.read("NOTICE")
    if content is None:
        yield f"NOTICE: missing; to re-create it: {again}"
        return
    lines = set(content.decode(errors="replace").splitlines())
    for line in "\n".join(credits_of(manifest)).splitlines():  # a text of the recipe may have several
        if line not in lines:
            yield f"NOTICE: does not say {line.strip()!r}; to re-create it: {_mend(store, 'NOTICE', len(content), again)}"


def _strays(store: Store, entries: list[ShardEntry]) -> Iterator[str]:
    listed = {entry.path for entry in entries}
    for name in store.list("data"):
        if name not in listed:
            yield f"{name}: not part of this release"


def _rows(manifest: Manifest, file: str, entry: ShardEntry, denied: Denied) -> Iterator[str]:
    """Rows, characters and tokens counted anew; the columns as promised; one source and split a file."""
    keys = [tokenizer.key for tokenizer in manifest.tokenizers]
    with open_checked(file) as parquet:
        columns = {field.name: str(field.type) for field in parquet.schema_arrow}
        if columns != manifest.columns:
            yield f"{entry.path}: its columns are {columns}, the manifest says {manifest.columns}"
            return
        repeat = Recount(manifest, keys)
        counted = {"rows": 0, "characters": 0, **{f"tokens.{key}": 0 for key in keys}}
        wanted = ["id", "url", "host", "text", "characters", "source", "split", *(f"n_tok_{key}" for key in keys)]
        wanted += READS if repeat.on else ()
        for group in range(parquet.num_row_groups):
            table = parquet.read_row_group(group, columns=wanted)
            counted["rows"] += table.num_rows
            lengths = pc.utf8_length(table["text"]).cast(pa.int64())
            if not lengths.equals(table["characters"].cast(pa.int64())):
                yield f"{entry.path}: row group {group}: `characters` is not the length of `text`"
            counted["characters"] += pc.sum(lengths).as_py() or 0
            for key in keys:
                counted[f"tokens.{key}"] += pc.sum(table[f"n_tok_{key}"].cast(pa.int64())).as_py() or 0
            if repeat.on and (problem := repeat.wrong(table)):
                yield f"{entry.path}: row group {group}: {problem}"
            if denied.ids or denied.urls or denied.hosts:
                ids, urls, hosts = (table[name].to_pylist() for name in ("id", "url", "host"))
                for id in (i for i, *row in zip(ids, urls, hosts, strict=True) if denied.ticket(i, *row)):
                    yield f"{entry.path}: document {id} stands in {REMOVALS}; run `seimai remove` again for its ticket"
            for name in ("source", "split"):
                if pc.unique(table[name]).to_pylist() != [getattr(entry, name)]:
                    yield f"{entry.path}: row group {group}: rows of another {name} than {getattr(entry, name)}"
    stated = {"rows": entry.rows, "characters": entry.characters, **{f"tokens.{k}": n for k, n in entry.tokens.items()}}
    for what, n in counted.items():
        if n != stated[what]:
            yield f"{entry.path}: {n} {what}, shards.jsonl says {stated[what]}"
    if differs := repeat.differs(entry):
        yield f"{entry.path}: {differs}"


def _hosts(manifest: Manifest, store: Store, mode: str, again: str) -> Iterator[str]:
    """The table of hosts: its bytes, and that it counts every document once."""
    entry, found = manifest.hosts, store.size(manifest.hosts.path)
    problem = _bytes(store, entry.path, found, entry.bytes, entry.sha256, mode)
    if problem:
        yield f"{entry.path}: {problem}; to re-create it: {_mend(store, entry.path, found, again)}"
    elif mode == "sha256":
        with open_checked(store.path(entry.path)) as file:
            table = file.read(HOSTS.names)
        columns = ("documents", "kept", "duplicates", "left_out", "rejected", "tokens")
        sums = [pc.sum(table[name]).as_py() or 0 for name in columns]
        funnel = manifest.funnel
        groups = (funnel.duplicates, funnel.removed, funnel.rejected)
        told = [funnel.extracted.documents, funnel.written.documents, *(sum(group.values()) for group in groups)]
        told.append(funnel.written.tokens)
        if sums != told:
            yield f"{entry.path}: {', '.join(columns)} are {sums}, the funnel says {told}"
