"""A prefix in a bucket as a store. Parquet files are read by ranges; drafts lie on the local disk."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.store.objects import FEW_TRIES, Objects
from pipeline.store.places import Address, parse
from pipeline.store.processes import scratch_in, sweep_scratch
from pipeline.store.store import Entry
from stages import parquet

BLOCK = 4 << 20  # bytes of a request at least: most sidecars come whole with the first
_KEPT = 4  # blocks held of an open file


class S3Store:
    """`If-None-Match: *` creates a marker once; a larger file appears when its last part is there, and whole.

    Scratch is a folder in TMPDIR, swept by each process that begins to use it.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self._objects = Objects(address)
        self._near: Path | None = None

    @property
    def place(self) -> Address:
        return self.address

    def path(self, name: str) -> str:
        if self._near is not None and (near := self._near / _flat(name)).exists():
            return str(near)
        return str(self.address / name)

    def open(self, name: str) -> io.BufferedReader:
        return io.BufferedReader(ObjectFile(self._objects, name), BLOCK)

    def read(self, name: str) -> bytes | None:
        return self._objects.get(name)

    def size(self, name: str) -> int | None:
        return self._objects.size(name)

    def list(self, folder: str) -> list[str]:
        return sorted(self._objects.directly_in(folder))

    def entries(self, folder: str) -> Sequence[Entry]:
        return sorted(Entry(*found) for found in self._objects.under(folder))

    def put(self, file: Path, name: str) -> None:
        self._objects.put(name, file)
        if self._near is not None:
            os.replace(file, self._near / _flat(name))
        else:
            file.unlink()

    def create(self, name: str, content: bytes) -> bool:
        return self._objects.create(name, content)

    def replace(self, name: str, content: bytes) -> None:
        self._objects.put(name, content)

    def remove(self, name: str) -> None:
        self._objects.delete(name)

    def check(self, what: str) -> None:
        """Also that the server heeds `If-None-Match`: with one that does not, two workers could both be first."""
        probe = f".probe-{uuid.uuid4().hex}"
        self._objects.create(probe, b"", FEW_TRIES)
        try:
            if self._objects.create(probe, b"again", FEW_TRIES):
                raise UsageError(
                    f"{what} {self.address}: this server ignores If-None-Match, so two workers could commit the same "
                    "partition; take one that heeds it, or a folder that all nodes see"
                )
        finally:
            self._objects.delete(probe)

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        _swept(os.getpid())
        with scratch_in(_local() / "scratch") as folder:
            yield folder

    def sweep(self) -> None:
        sweep_scratch(_local())

    @contextlib.contextmanager
    def near(self) -> Iterator[None]:
        with self.scratch() as folder:
            self._near = folder
            try:
                yield
            finally:
                self._near = None


class ObjectFile(io.RawIOBase):
    """An object to read at any place: ranges of at least BLOCK bytes, the last few of them held."""

    def __init__(self, objects: Objects, name: str) -> None:
        self._objects, self._name = objects, name
        found = objects.tail(name, BLOCK)  # where a Parquet file begins to be read; of a small one all there is
        if found is None:
            raise self._gone()
        self._size, tail = found
        self._held: deque[tuple[int, bytes]] = deque([(self._size - len(tail), tail)], _KEPT)
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        end, filled = min(self._at + len(buffer), self._size), 0
        while self._at < end:
            start, block = self._block(self._at, end)
            piece = block[self._at - start : end - start]
            buffer[filled : filled + len(piece)] = piece
            filled += len(piece)
            self._at += len(piece)
        return filled

    def _block(self, at: int, end: int) -> tuple[int, bytes]:
        """A held block with the byte `at`, fetched along with all up to `end` where none has it."""
        for start, content in self._held:
            if start <= at < start + len(content):
                return start, content
        fetched = self._objects.range(self._name, at, min(max(end - at, BLOCK), self._size - at))
        if fetched is None:
            raise self._gone()
        self._held.append((at, fetched))
        return at, fetched

    def _gone(self) -> FileNotFoundError:
        return FileNotFoundError(2, "no such object", str(self._objects.address / self._name))


def _open(path: str) -> ObjectFile:
    address = parse(path)
    return ObjectFile(Objects(Address(address.bucket)), address.prefix)


parquet.OPENERS["s3"] = _open


def _flat(name: str) -> str:
    return name.replace("/", "%")


def _local() -> Path:
    return Path(tempfile.gettempdir()) / f"seimai-{os.getuid()}"


@lru_cache(maxsize=1)
def _swept(process: int) -> None:
    """Once a process: what a killed worker left, the one that follows it on the machine removes."""
    sweep_scratch(_local())
