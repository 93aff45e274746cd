"""The markers of a finished set in one file: gathered on disk while a phase runs, written when all of it is done."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import IO, Self

from pipeline.commit import sets
from pipeline.commit.commit import DAMAGE, FINGERPRINT_DIGITS, Committed, canonical, set_name
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
        """One file a stage that got a marker which stood in none (create-only, so concurrent runs agree).

        A damaged one stands in the way and is replaced: whoever writes this name writes the same.
        """
        for (key, stage_fp), file in self._files.items():
            file.seek(0)
            lines = {line[:FINGERPRINT_DIGITS].decode(): line[FINGERPRINT_DIGITS:-1] for line in file}
            for name in self._sets.get((key, stage_fp), ()):
                with contextlib.suppress(
                    *DAMAGE
                ):  # since it was read; then there is no file of the whole set this time
                    known = sets.lines(name, self._store.read(name) or b"")
                    lines.update({json.loads(line)["part_fp"]: line for line in known})
            name = set_name(key, stage_fp, lines)
            content = sets.packed(name, (lines[part_fp] for part_fp in sorted(lines)))
            if not self._store.create(name, content) and self._store.read(name) != content:
                self._mend(name, content)

    def _mend(self, name: str, content: bytes) -> None:
        try:
            self._store.replace(name, content)
        except OSError as error:
            print(
                f"seimai: {self._store.path(name)}: damaged and cannot be replaced ({error.strerror}); delete it: until then "
                "every run reads the markers one by one",
                file=sys.stderr,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            file.close()
