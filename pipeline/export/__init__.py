"""Exports: what trainers and readers of other formats take, made from a release and held to its sums.

Each export says in `export.json` which release it was made from, so that one left behind by a newer release is found.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.commit import canonical
from pipeline.errors import ShortError, UsageError
from pipeline.manifest import Counts, Manifest, ShardEntry, load, shelf
from pipeline.places import Place
from pipeline.store import Store, write

RECORD, UNFINISHED = "export.json", ".export-unfinished.json"


@dataclass(frozen=True)
class Release:
    """A sealed release to export."""

    store: Store
    manifest: Manifest
    entries: list[ShardEntry]

    @classmethod
    def open(cls, path: Place) -> Release:
        """Refuses an edited manifest and a release with a file that is missing or has another size."""
        manifest, entries = load(path)
        store = shelf(path)
        there = {entry.name: entry.bytes for entry in store.entries("data")}
        for entry in entries:
            if there.get(entry.path) != entry.bytes:
                raise ShortError(
                    f"{store.path(entry.path)}: missing or of another size; `seimai verify {store.place}` says how to mend it"
                )
        if not entries:
            raise ShortError(f"{store.place}: not one document, so nothing to export")
        return cls(store, manifest, entries)

    @property
    def folder(self) -> Place:
        return self.store.place

    def groups(self) -> dict[tuple[str, str], list[ShardEntry]]:
        """(source, split) -> its shards, in order; none is empty."""
        found: dict[tuple[str, str], list[ShardEntry]] = {}
        for entry in self.entries:
            found.setdefault((entry.source, entry.split), []).append(entry)
        return found

    def counts(self, entries: list[ShardEntry]) -> Counts:
        return Counts.of(entries, [tokenizer.key for tokenizer in self.manifest.tokenizers])


def begin(out: Path, names: Iterable[str]) -> list[str]:
    """The folder to write files of these names to; what is in it is no finished export from here on.

    Returns further names that exports into it have written, so that what has left the release can go. UsageError rather
    than replace a file that no export of ours made.
    """
    out.mkdir(parents=True, exist_ok=True)
    ours = {name for place in (RECORD, UNFINISHED) for name in _files(out / place)}
    new = set(names)
    if foreign := sorted(name for name in new - ours if (out / name).exists()):
        raise UsageError(
            f"{out / foreign[0]}: there already, and not of an export: give the export a folder of its own"
        )
    write(out / UNFINISHED, canonical({"wrote": sorted(ours | new)}) + b"\n")
    (out / RECORD).unlink(missing_ok=True)
    return sorted(ours - new)


def record(out: Path, release: Release, to: str, what: dict[str, Any]) -> None:
    """Written last: an export without it is not finished."""
    wrote = [name for name in _files(out / UNFINISHED) if (out / name).exists()]
    said = {"to": to, "manifest_id": release.manifest.id, "name": release.manifest.name, **what, "wrote": wrote}
    write(out / RECORD, (json.dumps(said, ensure_ascii=False, indent=2) + "\n").encode())
    (out / UNFINISHED).unlink(missing_ok=True)


def _files(record: Path) -> list[str]:
    try:
        return [name for name in json.loads(record.read_bytes())["wrote"] if Path(name).name == name]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def stale(out: Path, manifest: Manifest) -> str:
    """What is wrong with an export as one of this release, or ''. UsageError where there is none."""
    try:
        made_from = json.loads((out / RECORD).read_bytes())["manifest_id"]
    except (OSError, ValueError, KeyError):
        raise UsageError(f"{out}: no finished export here ({RECORD}); make it with seimai export") from None
    if made_from != manifest.id:
        return f"{out}: stale: made from release {made_from[:16]}…, this one is {manifest.id[:16]}…; export again"
    return ""


def hold(what: str, found: int, stated: int) -> None:
    """Sums in = sums out, or the export is no export."""
    if found != stated:
        raise ShortError(f"{what}: {found:,} in the export, {stated:,} in the manifest; `seimai verify` the release")
