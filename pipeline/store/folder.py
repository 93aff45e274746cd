"""A directory as a store."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from io import BufferedReader
from operator import itemgetter
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.store.processes import scratch_in, sweep_scratch
from pipeline.store.store import Entry

ATTEMPTS = 3  # of a replacement; each is spoilt only by another run that ends at this very moment


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
        return sorted(_files(str(self.root / folder), folder), key=itemgetter(0))

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
    try:
        found = os.scandir(path)
    except (FileNotFoundError, NotADirectoryError):
        return
    with found:
        for entry in found:
            inner = f"{name}/{entry.name}" if name else entry.name
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry.path, inner)
                continue
            try:  # `suppress` would take as long as the question itself, of which a plan asks two million
                stat = entry.stat()
            except FileNotFoundError:
                continue
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


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
