"""Where committed work lies: a small interface that a directory fills today and an object store can fill too.

Names are relative, with forward slashes. Nothing that counts is renamed or changed in place: a name is put with
the content that it is made from, or created once. (S3: `put` is a PUT, `create` a PUT with `If-None-Match: *`.)
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Protocol


class Store(Protocol):
    def path(self, name: str) -> str:
        """What pyarrow opens to read `name`."""

    def read(self, name: str) -> bytes | None:
        """The content, or None where there is no such name."""

    def size(self, name: str) -> int | None:
        """Bytes of `name`, or None where there is no such name."""

    def list(self, folder: str) -> list[str]:
        """Sorted names directly in `folder`; empty where there is no such folder."""

    def sizes(self, folder: str) -> dict[str, int]:
        """Bytes of every file directly in `folder`, by its name there: one listing instead of a question a file."""

    def put(self, file: Path, name: str) -> None:
        """Store a finished scratch file under a name made from its content. Repeating it is harmless."""

    def create(self, name: str, content: bytes) -> bool:
        """Create `name` with `content` atomically and durably; False (and no change) where it exists already."""

    def scratch(self) -> contextlib.AbstractContextManager[Path]:
        """A fresh local directory, removed afterwards."""


class LocalStore:
    """A directory on a POSIX file system (also NFS: `link` is atomic there)."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    def path(self, name: str) -> str:
        return str(self.root / name)

    def read(self, name: str) -> bytes | None:
        try:
            return (self.root / name).read_bytes()
        except FileNotFoundError:
            return None

    def size(self, name: str) -> int | None:
        try:
            return (self.root / name).stat().st_size
        except FileNotFoundError:
            return None

    def list(self, folder: str) -> list[str]:
        try:
            return sorted(f"{folder}/{entry.name}" for entry in os.scandir(self.root / folder))
        except FileNotFoundError:
            return []

    def sizes(self, folder: str) -> dict[str, int]:
        try:
            with os.scandir(self.root / folder) as entries:
                return {entry.name: entry.stat().st_size for entry in entries}
        except FileNotFoundError:
            return {}

    def put(self, file: Path, name: str) -> None:
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        _sync(file)
        # Same name, same content: where a killed attempt left it half linked or whole, replacing it is right.
        os.replace(file, target)
        _sync(target.parent)

    def create(self, name: str, content: bytes) -> bool:
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        with self.scratch() as scratch:
            draft = scratch / "draft"
            draft.write_bytes(content)
            _sync(draft)
            try:
                os.link(draft, target)  # fails where the name exists: the first committer wins
            except FileExistsError:
                return False
        _sync(target.parent)
        return True

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        base = self.root / "scratch"
        base.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{_processes_here()}-{os.getpid()}-", dir=base))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def sweep_scratch(root: Path) -> None:
    """Remove what killed processes left in scratch. Only of this host and container: elsewhere a pid means another."""
    here = _processes_here()
    for folder in (root / "scratch").glob(f"{here}-*"):
        pid = folder.name.removeprefix(f"{here}-").split("-", 1)[0]
        if pid.isdigit() and not alive(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


@lru_cache(maxsize=1)
def _processes_here() -> str:
    """A name for the set of processes that pids of ours belong to: the host and, on Linux, the pid namespace."""
    try:
        namespace = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        namespace = 0
    return hashlib.sha256(f"{platform.node()} {namespace}".encode()).hexdigest()[:12]


def alive(pid: int) -> bool:
    """Whether a process of this host and container runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
