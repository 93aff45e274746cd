"""Exports: what trainers and readers of other formats take, made from a release and held to its sums.

Each export says in `export.json` which release it was made from, so that one left behind by a newer release is found.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import ShortError, UsageError
from pipeline.manifest.counts import Counts, ShardEntry
from pipeline.manifest.manifest import Manifest, load, shelf
from pipeline.store.folder import write
from pipeline.store.places import Place
from pipeline.store.store import Store

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


def begin(out: Path, to: str, asked: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    """The folder to write files of these names to; what is in it of this kind is no finished export from here on.

    `asked`: how to make it again. Returns further names that earlier exports of this kind have written, so that what has
    left the release can go. UsageError rather than replace a file that no export of ours made.
    """
    out.mkdir(parents=True, exist_ok=True)
    known, new = _known(out), set(names)
    ours = {name for said in known.values() for name in _wrote(said)}
    if foreign := sorted(name for name in new - ours if (out / name).exists()):
        raise UsageError(
            f"{out / foreign[0]}: there already, and not of an export: give the export a folder of its own"
        )
    earlier = set(_wrote(known.get(to, {})))
    _note(out, to, {"manifest_id": "", "asked": dict(asked), "wrote": sorted(earlier | new)})
    return sorted(earlier - new)


def record(out: Path, release: Release, to: str, what: Mapping[str, Any]) -> None:
    """Written last: an export whose record names no release is not finished."""
    begun = recorded(out)[to]
    wrote = [name for name in _wrote(begun) if (out / name).exists()]
    of = {"manifest_id": release.manifest.id, "name": release.manifest.name}
    _note(out, to, {**of, "asked": begun["asked"], **what, "wrote": wrote})


def _note(out: Path, to: str, said: dict[str, Any]) -> None:
    known = {**_known(out), to: said}
    write(out / RECORD, (json.dumps(known, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode())


def recorded(out: Path) -> dict[str, dict[str, Any]]:
    """Kind -> record of the exports in a folder. UsageError where there is none."""
    if known := _known(out):
        return known
    raise UsageError(f"{out}: no finished export here ({RECORD}); make it with seimai export")


def _known(out: Path) -> dict[str, dict[str, Any]]:
    try:
        known = json.loads((out / RECORD).read_bytes())
        if all({"manifest_id", "asked"} <= said.keys() for said in known.values()):
            return dict(known)
    except (OSError, ValueError, AttributeError):
        pass
    return {}


def _wrote(said: Mapping[str, Any]) -> list[str]:
    """Names of files directly in the folder, whatever a record has been edited to say."""
    return [name for name in said.get("wrote", ()) if Path(name).name == name]


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
