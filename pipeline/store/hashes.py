"""sha256 of files that lie here, computed once."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pipeline.store.folder import LocalStore
from pipeline.store.sealed import seal, unseal
from stages.base import SourceFile


class Hashes:
    """Remembered by path, size, times and inode, in one file of the work folder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, list[int | str]] = {}
        with contextlib.suppress(OSError, ValueError):  # none yet, or damaged: all are computed again
            self._known = unseal(path.read_bytes())["files"]

    def files(self, paths: Sequence[Path]) -> list[SourceFile]:
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            return list(pool.map(self._file, paths))

    def _file(self, path: Path) -> SourceFile:
        stat = path.stat()
        key, seen = str(path), [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
        known = self._known.get(key)
        if known is None or known[:-1] != seen:
            with path.open("rb") as file:
                known = [*seen, hashlib.file_digest(file, "sha256").hexdigest()]
            self._known[key] = known
        return SourceFile(key, str(known[-1]), stat.st_size)

    def save(self) -> None:
        """Keep them for the next time; where the folder cannot be written that only costs hashing again."""
        try:
            with LocalStore(self._path.parent).scratch() as scratch:
                draft = scratch / self._path.name
                draft.write_bytes(seal(json.dumps({"files": self._known}, indent=0, sort_keys=True).encode()))
                os.replace(draft, self._path)
        except OSError:
            return
