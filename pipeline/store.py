"""Where committed work and a release lie: a small interface that a directory fills, and a bucket (`store_s3`).

Names are relative, with forward slashes. Nothing that counts is renamed or changed in place: a name is put with
the content that it is made from, or created once. (S3: `put` is a PUT, `create` a PUT with `If-None-Match: *`.)
`replace` is for what a release says of itself and for what counts for nothing.
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
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple, Protocol

from pipeline.errors import UsageError
from pipeline.places import Place, is_address, parse

ATTEMPTS = 3  # of a replacement; each is spoilt only by another run that ends at this very moment


class Entry(NamedTuple):
    name: str
    bytes: int
    modified: float  # seconds since 1970, by the clock of the store


class Store(Protocol):
    @property
    def place(self) -> Place:
        """Where it is, for messages."""

    def path(self, name: str) -> str:
        """What `stages.parquet.open_checked` opens to read `name`."""

    def open(self, name: str) -> BufferedReader:
        """The content as a file to read. FileNotFoundError where there is no such name."""

    def read(self, name: str) -> bytes | None:
        """The content, or None where there is no such name. A folder in its place reads as an empty file: damaged."""

    def size(self, name: str) -> int | None:
        """Bytes of `name`, or None where there is no such name."""

    def list(self, folder: str) -> list[str]:
        """Sorted names directly in `folder`; empty where there is no such folder."""

    def entries(self, folder: str) -> Sequence[Entry]:
        """Every file under `folder` ('' = of the store), at any depth, sorted by name; no folders."""

    def put(self, file: Path, name: str) -> None:
        """Store a finished scratch file, which is moved, under a name made from its content. Repeating it is harmless."""

    def replace(self, name: str, content: bytes) -> None:
        """Write `name` so that a reader sees what it was or what it is now, and nothing between."""

    def create(self, name: str, content: bytes) -> bool:
        """Create `name` with `content` atomically and durably; False (and no change) where it exists already."""

    def remove(self, name: str) -> None:
        """Remove a file. Harmless where there is none."""

    def check(self, what: str) -> None:
        """Fail now rather than after an hour: UsageError where nothing can be written. `what`: work or release."""

    def scratch(self) -> contextlib.AbstractContextManager[Path]:
        """A fresh local directory, removed afterwards."""

    def sweep(self) -> None:
        """Remove what killed processes of this machine left in scratch."""

    def near(self) -> contextlib.AbstractContextManager[None]:
        """For as long as one task runs: what it puts stays at hand for it to read."""


def open_store(place: Place | str) -> Store:
    """The store at a path or at s3://bucket/prefix. Nothing is asked of S3 yet."""
    if isinstance(place, Path) or (isinstance(place, str) and not is_address(place)):
        return LocalStore(place)
    from pipeline.store_s3 import S3Store  # its client is loaded by runs that need it

    return S3Store(parse(place) if isinstance(place, str) else place)


class LocalStore:
    """A directory on a POSIX file system (also NFS: `link` is atomic there)."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

    @property
    def place(self) -> Path:
        return self.root

    def path(self, name: str) -> str:
        return str(self.root / name)

    def open(self, name: str) -> BufferedReader:
        return (self.root / name).open("rb")

    def read(self, name: str) -> bytes | None:
        try:
            return (self.root / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except IsADirectoryError:
            return b""

    def size(self, name: str) -> int | None:
        try:
            return (self.root / name).stat().st_size
        except FileNotFoundError:
            return None

    def list(self, folder: str) -> list[str]:
        try:
            return sorted(f"{folder}/{entry.name}".lstrip("/") for entry in os.scandir(self.root / folder))
        except FileNotFoundError:
            return []

    def entries(self, folder: str) -> Sequence[Entry]:
        return sorted(_files(str(self.root / folder), folder))

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
            except OSError as error:
                # NFS may lose the answer and ask again, and then says that our own link is in the way.
                if draft.stat().st_nlink != 2:
                    if isinstance(error, FileExistsError):
                        return False
                    raise
        _sync(target.parent)
        return True

    def replace(self, name: str, content: bytes) -> None:
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        write(target, content)

    def remove(self, name: str) -> None:
        (self.root / name).unlink(missing_ok=True)

    def check(self, what: str) -> None:
        """The nearest existing folder above must be a directory we may write in."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.root):  # without a name where the system can: a kill leaves nothing
                pass
        except OSError as error:
            raise UsageError(
                f"{what} folder {self.root} cannot be written: {error.strerror}; change [output] {what} or --{what}"
            ) from None

    def scratch(self) -> contextlib.AbstractContextManager[Path]:
        return scratch_in(self.root / "scratch")

    def sweep(self) -> None:
        sweep_scratch(self.root)

    def near(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()


def _files(path: str, name: str) -> Iterator[Entry]:
    """Every file under `path`, which is called `name` in its store. What goes while it is listed is no entry."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(path) as entries:
        for entry in entries:
            inner = f"{name}/{entry.name}" if name else entry.name
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry.path, inner)
                continue
            with contextlib.suppress(FileNotFoundError):
                stat = entry.stat()
                yield Entry(inner, stat.st_size, stat.st_mtime)


def write(target: Path, content: bytes) -> None:
    """Replace a file whole. In a release another run may take the draft for that of a killed one; then once more."""
    for attempt in range(ATTEMPTS):
        descriptor, draft = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(draft, 0o644)
            os.replace(draft, target)
            return
        except FileNotFoundError:
            if attempt == ATTEMPTS - 1:
                raise
        finally:
            Path(draft).unlink(missing_ok=True)


@contextlib.contextmanager
def scratch_in(base: Path) -> Iterator[Path]:
    """A fresh folder in `base`, whose name tells whose it is."""
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
        if pid.isdigit() and not alive(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


def process_is_gone(folder: str, *, here: bool = False) -> bool | None:
    """Whether the process that a folder of scratch is named after has ended; None where that cannot be told from here.

    `here`: the name is a pid of this host and container.
    """
    pid = folder if here else folder.removeprefix(f"{processes_here()}-").split("-", 1)[0]
    if not pid.isdigit() or (not here and not folder.startswith(f"{processes_here()}-")):
        return None
    return not alive(int(pid))


@lru_cache(maxsize=1)
def processes_here() -> str:
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
