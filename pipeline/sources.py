"""From the files a recipe names to partitions: checked before anything runs, known by their content."""

from __future__ import annotations

import glob
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pipeline.commit import digest
from pipeline.errors import UsageError
from pipeline.recipe import Recipe, Source
from pipeline.task import PartRef
from stages.base import SourceFile


def partitions(recipe: Recipe) -> tuple[PartRef, ...]:
    """One partition a file, in canonical order: rank of the source, then content. UsageError names a bad file."""
    cache = _Hashes(recipe.work / "sources.json")
    parts: dict[str, PartRef] = {}
    for rank, source in enumerate(recipe.sources):
        for file in cache.files(_expand(source, recipe)):
            # The id tells content, kind and source, so a renamed or moved file is still the same partition, and a file
            # that two globs find is read once.
            id = digest(["partition", source.name, source.kind, file.sha256])
            parts.setdefault(id, PartRef(id, source.name, rank, file, {}))
    cache.save()
    return tuple(sorted(parts.values(), key=lambda part: (part.rank, part.id)))


def _expand(source: Source, recipe: Recipe) -> list[Path]:
    where = f"{recipe.path}: source {source.name!r}"
    paths: list[Path] = []
    for pattern in source.files:
        literal = _unescaped(pattern)
        found = [literal] if os.path.lexists(literal) else sorted(glob.glob(pattern, recursive=True))
        if not found and not glob.has_magic(literal):
            found = [literal]
        if not found:
            raise UsageError(f"{where}: no file matches {literal}")
        paths += map(Path, found)
    for path in paths:
        _check(path, where)
    return paths


def _unescaped(pattern: str) -> str:
    """The path that a pattern names when nothing in it is a wildcard."""
    return re.sub(r"\[([*?[])\]", r"\1", pattern)


def _check(path: Path, where: str) -> None:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise UsageError(f"{where}: {str(path)!a}: the name is not UTF-8; rename the file") from None
    if path.is_dir():
        raise UsageError(f"{where}: {path} is a directory; name files, e.g. {path}/*.gz")
    if not path.exists():
        raise UsageError(f"{where}: {path}: no such file")
    if not os.access(path, os.R_OK):
        raise UsageError(f"{where}: {path} cannot be read; check its permissions")
    if path.stat().st_size == 0:
        raise UsageError(f"{where}: {path} is empty (0 bytes); fetch it again or leave it out of `files`")


class _Hashes:
    """sha256 of files, remembered by path, size, times and inode."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            known = json.loads(path.read_bytes())
        except (OSError, ValueError):
            known = {}
        self._known: dict[str, list[int | str]] = known if isinstance(known, dict) else {}

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
            descriptor, draft = tempfile.mkstemp(dir=self._path.parent)
        except OSError:
            return
        with os.fdopen(descriptor, "w") as file:
            json.dump(self._known, file, indent=0, sort_keys=True)
        os.chmod(draft, 0o644)
        os.replace(draft, self._path)
