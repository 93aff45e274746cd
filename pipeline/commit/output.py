"""Where an output lies, as the plan remembers it: the mapping that a marker has, in a fifth of the memory."""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator, Mapping
from typing import Any

_NUMBERS = struct.Struct("<32sqq")  # sha256, rows, bytes; behind them stands how the name of the file begins
NAME_DIGITS = 16  # of the sha256 in the name of a file: `<part_fp>[-<output>]-<these>.parquet`
_SUFFIX = ".parquet"


class Output(Mapping[str, Any]):
    """{path, sha256, bytes, rows} of one output. A driver holds a million of them."""

    __slots__ = ("_folder", "_packed")

    def __init__(self, path: str, sha256: str, rows: int, bytes: int = -1) -> None:
        file = path.rpartition("/")[2]
        self._folder = sys.intern(path.removesuffix(file))  # the same for all outputs of a stage; with its slash
        self._packed = _pack(file, sha256, rows, bytes)

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Output:
        """Without what a marker says besides, such as `erased`."""
        if isinstance(told, Output):
            return told
        return cls(told["path"], told["sha256"], told["rows"], told.get("bytes", -1))

    def __getitem__(self, key: str) -> Any:
        if key == "sha256":
            packed = self._packed
            return packed[:32].hex() if isinstance(packed, bytes) else packed[1]
        file, _, rows, size = _unpack(self._packed)
        if key == "path":
            return self._folder + file
        if key == "rows":
            return rows
        if key == "bytes" and size >= 0:
            return size
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        yield from ("path", "sha256", "rows") if _unpack(self._packed)[3] < 0 else ("path", "sha256", "rows", "bytes")

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"Output({dict(self)})"


Packed = bytes | tuple[str, str, int, int]


def _pack(file: str, sha256: str, rows: int, size: int) -> Packed:
    """In one piece, where the name follows from the digest as `commit` makes it; else as it is."""
    ending = f"-{sha256[:NAME_DIGITS]}{_SUFFIX}"
    try:
        digest = bytes.fromhex(sha256)
    except ValueError:
        digest = b""
    if len(digest) == 32 and digest.hex() == sha256 and file.endswith(ending):
        return _NUMBERS.pack(digest, rows, size) + file[: -len(ending)].encode()
    return file, sha256, rows, size


def _unpack(packed: Packed) -> tuple[str, str, int, int]:
    if not isinstance(packed, bytes):
        return packed
    digest, rows, size = _NUMBERS.unpack_from(packed)
    sha256 = digest.hex()
    return f"{packed[_NUMBERS.size :].decode()}-{sha256[:NAME_DIGITS]}{_SUFFIX}", sha256, rows, size
