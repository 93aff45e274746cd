"""The markers of a finished set in one file: gathered on disk while a phase runs, written when all of it is done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, Self

from pipeline.commit.commit import FINGERPRINT_DIGITS, Committed, canonical, set_name
from pipeline.store.store import Store


class Gathered:
    """Markers by stage, as lines of files in a scratch folder: two million of them would not fit into memory."""

    def __init__(self, store: Store, scratch: Path) -> None:
        self._store = store
        self._scratch = scratch
        self._files: dict[tuple[str, str], IO[bytes]] = {}
        self._sets: dict[tuple[str, str], set[str]] = {}

    def add(self, marker: Committed, found_in: str = "") -> None:
        """`found_in`: the consolidated file that it stands in already; it is not written down once more."""
        key = marker.stage, marker.stage_fp
        if found_in:
            self._sets.setdefault(key, set()).add(found_in)
            return
        if key not in self._files:
            self._files[key] = (self._scratch / f"{len(self._files)}.jsonl").open("w+b")
        self._files[key].write(marker.part_fp.encode() + canonical(marker.to_json()) + b"\n")

    def write(self) -> None:
        """One file a stage that got a marker which stood in none (create-only, so concurrent runs agree)."""
        for (key, stage_fp), file in self._files.items():
            file.seek(0)
            lines = {line[:FINGERPRINT_DIGITS].decode(): line[FINGERPRINT_DIGITS:-1] for line in file}
            for name in self._sets.get((key, stage_fp), ()):
                lines.update({m["part_fp"]: canonical(m) for m in json.loads(self._store.read(name) or b"[]")})
            name = set_name(key, stage_fp, lines)
            self._store.create(name, b"[" + b",".join(lines[part_fp] for part_fp in sorted(lines)) + b"]")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            file.close()
