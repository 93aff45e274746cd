"""Exports: what trainers and readers of other formats take, made from a release and held to its sums.

Each export says in `export.json` which release it was made from, so that one left behind by a newer release is found.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import ShortError, UsageError
from pipeline.manifest import Counts, Manifest, ShardEntry, load, shelf
from pipeline.places import Place
from pipeline.store import Store, write

RECORD = "export.json"


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


def begin(out: Path, to: str, asked: Mapping[str, Any]) -> None:
    """The folder to write to; what is in it of this kind is no finished export from here on. `asked`: how to make it again."""
    out.mkdir(parents=True, exist_ok=True)
    _note(out, to, {"manifest_id": "", "asked": dict(asked)})


def record(out: Path, release: Release, to: str, what: Mapping[str, Any]) -> None:
    """Written last: an export whose record names no release is not finished."""
    asked = recorded(out)[to]["asked"]
    _note(out, to, {"manifest_id": release.manifest.id, "name": release.manifest.name, "asked": asked, **what})


def _note(out: Path, to: str, said: dict[str, Any]) -> None:
    known = {**(recorded(out) if (out / RECORD).exists() else {}), to: said}
    write(out / RECORD, (json.dumps(known, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode())


def recorded(out: Path) -> dict[str, dict[str, Any]]:
    """Kind -> record of the exports in a folder. UsageError where there is none."""
    try:
        known = json.loads((out / RECORD).read_bytes())
        if known and all({"manifest_id", "asked"} <= said.keys() for said in known.values()):
            return dict(known)
    except (OSError, ValueError, AttributeError):
        pass
    raise UsageError(f"{out}: no finished export here ({RECORD}); make it with seimai export")


def outdated(out: Path, manifest: Manifest) -> bool:
    """Whether an export in a folder is of another release, or was broken off. UsageError where there is none."""
    return any(said["manifest_id"] != manifest.id for said in recorded(out).values())


def stale(out: Path, manifest: Manifest) -> str:
    """What is wrong with the exports in a folder as those of this release, or ''. UsageError where there is none."""
    for to, said in recorded(out).items():
        made_from = said["manifest_id"]
        if not made_from:
            raise UsageError(f"{out}: no finished export here ({RECORD}: {to} was broken off); export again")
        if made_from != manifest.id:
            return f"{out}: {to} is stale: made from release {made_from[:16]}…, this one is {manifest.id[:16]}…; export again"
    return ""


def hold(what: str, found: int, stated: int) -> None:
    """Sums in = sums out, or the export is no export."""
    if found != stated:
        raise ShortError(f"{what}: {found:,} in the export, {stated:,} in the manifest; `seimai verify` the release")
