"""Where an output lies, as the plan remembers it: the mapping that a marker has, in a third of the memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any


class Output(Mapping[str, Any]):
    """{path, sha256, bytes, rows} of one output. A driver holds a million of them."""

    __slots__ = ("_bytes", "_file", "_folder", "_rows", "_sha256")

    def __init__(self, path: str, sha256: str, rows: int, bytes: int = -1) -> None:
        folder, _, self._file = path.rpartition("/")
        self._folder = sys.intern(folder)  # the same for all outputs of a stage
        self._sha256 = sha256.encode()
        self._rows, self._bytes = rows, bytes

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Output:
        """Without what a marker says besides, such as `erased`."""
        if isinstance(told, Output):
            return told
        return cls(told["path"], told["sha256"], told["rows"], told.get("bytes", -1))

    def __getitem__(self, key: str) -> Any:
        if key == "path":
            return f"{self._folder}/{self._file}"
        if key == "sha256":
            return self._sha256.decode()
        if key == "rows":
            return self._rows
        if key == "bytes" and self._bytes >= 0:
            return self._bytes
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        yield from ("path", "sha256", "rows") if self._bytes < 0 else ("path", "sha256", "rows", "bytes")

    def __len__(self) -> int:
        return 3 + (self._bytes >= 0)

    def __repr__(self) -> str:
        return f"Output({dict(self)})"
