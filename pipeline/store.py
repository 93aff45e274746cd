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
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Protocol


class Entry(NamedTuple):
    name: str
    bytes: int
    modified: float  # seconds since 1970, by the clock of the store


class Store(Protocol):
    def path(self, name: str) -> str:
        """What pyarrow opens to read `name`."""

    def read(self, name: str) -> bytes | None:
        """The content, or None where there is no such name."""

    def size(self, name: str) -> int | None:
        """Bytes of `name`, or None where there is no such name."""

    def list(self, folder: str) -> list[str]:
        """Sorted names directly in `folder`; empty where there is no such folder."""

    def entries(self, folder: str) -> Sequence[Entry]:
        """Every file under `folder` ('' = of the store), at any depth, sorted by name; no folders."""

    def put(self, file: Path, name: str) -> None:
        """Store a finished scratch file under a name made from its content. Repeating it is harmless."""

    def create(self, name: str, content: bytes) -> bool:
        """Create `name` with `content` atomically and durably; False (and no change) where it exists already."""

    def remove(self, name: str) -> None:
        """Remove a file. Harmless where there is none."""

    def scratch(self) -> contextlib.AbstractContextManager[Path]:
        """A fresh local directory, removed afterwards."""


def open_store(place: Path | str) -> Store:
    """The store at a path."""
    return LocalStore(place)


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

    def entries(self, folder: str) -> Sequence[Entry]:
        found = []
        for directory, _, files in os.walk(self.root / folder):
            for file in files:
                path = Path(directory, file)
                with contextlib.suppress(FileNotFoundError):  # gone since it was listed: it is no entry
                    stat = path.stat()
                    found.append(Entry(path.relative_to(self.root).as_posix(), stat.st_size, stat.st_mtime))
        return sorted(found)

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

    def remove(self, name: str) -> None:
        (self.root / name).unlink(missing_ok=True)

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        base = self.root / "scratch"
        base.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{processes_here()}-{os.getpid()}-", dir=base))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def sweep_scratch(root: Path) -> None:
    """Remove what killed processes left in scratch. Only of this host and container: elsewhere a pid means another."""
    here = processes_here()
    for folder in (root / "scratch").glob(f"{here}-*"):
        pid = folder.name.removeprefix(f"{here}-").split("-", 1)[0]
        if pid.isdigit() and not _alive(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


def process_is_gone(folder: str, *, here: bool = False) -> bool | None:
    """Whether the process that a folder of scratch is named after has ended; None where that cannot be told from here.

    `here`: the name is a pid of this host and container.
    """
    pid = folder if here else folder.removeprefix(f"{processes_here()}-").split("-", 1)[0]
    if not pid.isdigit() or (not here and not folder.startswith(f"{processes_here()}-")):
        return None
    return not _alive(int(pid))


@lru_cache(maxsize=1)
def processes_here() -> str:
    """A name for the set of processes that pids of ours belong to: the host and, on Linux, the pid namespace."""
    try:
        namespace = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        namespace = 0
    return hashlib.sha256(f"{platform.node()} {namespace}".encode()).hexdigest()[:12]


def _alive(pid: int) -> bool:
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
