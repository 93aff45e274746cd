"""The layout of a fastText model file, read to its end without loading it.

fastText 0.9 checks the first eight bytes and no more. It reads for ever in a file that breaks off in the dictionary,
and answers from noise where one breaks off later: half a download would cost a run, or worse, none. The layout is that
of `FastText::saveModel` (fasttext.cc, version 12), little-endian as on every machine that wrote one.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

from stages.errors import InputError

_MAGIC = 793712314
_VERSIONS = (11, 12)
_ARGUMENTS = 12 * 4 + 8  # twelve int32 and a double
_LABEL = 1  # type of a dictionary entry; 0 is a word
_CENTROIDS = 256 * 4  # bytes of a dimension's 256 float32 centroids


def labels(path: Path) -> list[str]:
    """The labels of the model, in its order. InputError if the file is no fastText model or not a whole one."""
    if path.stat().st_size < 8:
        raise InputError(f"{path}: not a fastText model but {path.stat().st_size} bytes")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        reader = _Reader(data)
        magic, version = reader.take("<ii")
        if magic != _MAGIC or version not in _VERSIONS:
            raise InputError(f"{path}: not a fastText model; give a path to a .bin or .ftz file")
        try:
            found = _dictionary(reader)
            _matrix(reader, quantised=bool(*reader.take("<?")))
            _matrix(reader, quantised=bool(*reader.take("<?")))
        except (struct.error, ValueError) as error:
            raise InputError(
                f"{path}: a fastText model that breaks off after {len(data)} bytes; fetch it anew"
            ) from error
    return found


class _Reader:
    """A place in the bytes that only moves forward. ValueError or struct.error past their end."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._position = 0

    def take(self, layout: str) -> tuple[int, ...]:
        values = struct.unpack_from(layout, self._data, self._position)
        self._position += struct.calcsize(layout)
        return values

    def word(self) -> bytes:
        """Up to the next zero byte."""
        end = self._data.find(b"\0", self._position)
        if end < 0:
            raise ValueError("no end of word")
        word = self._data[self._position : end]
        self._position = end + 1
        return word

    def skip(self, size: int) -> None:
        if size < 0 or self._position + size > len(self._data):
            raise ValueError(f"no {size} bytes left")
        self._position += size


def _dictionary(reader: _Reader) -> list[str]:
    reader.skip(_ARGUMENTS)
    (size, _, _) = reader.take("<iii")
    (_, pruned) = reader.take("<qq")
    found = []
    for _ in range(size):
        word = reader.word()
        (_, kind) = reader.take("<qb")
        if kind == _LABEL:
            found.append(word.decode("utf-8", "replace"))
    reader.skip(8 * max(0, pruned))
    return found


def _matrix(reader: _Reader, *, quantised: bool) -> None:
    if not quantised:
        rows, columns = reader.take("<qq")
        reader.skip(4 * rows * columns)
        return
    (norms, rows, _, codes) = reader.take("<?qqi")
    reader.skip(codes)
    _quantiser(reader)
    if norms:
        reader.skip(rows)
        _quantiser(reader)


def _quantiser(reader: _Reader) -> None:
    (dimensions, _, _, _) = reader.take("<iiii")
    reader.skip(dimensions * _CENTROIDS)
