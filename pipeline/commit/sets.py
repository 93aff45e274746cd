"""The file of a consolidated set: the markers of a stage that is through, a line each, read one at a time.

As objects the markers of 100,000 partitions take 200 MB, and a plan looks up twenty such files.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from pipeline.store.sealed import check, seal

_PARSE = (
    json.JSONDecoder().raw_decode
)  # `loads` looks for an encoding and for blanks around, which takes a third of its time


def packed(name: str, markers: Iterable[bytes]) -> bytes:
    """The content of the file `name`, from the canonical JSON of its markers in their order."""
    return seal(b"".join((b"{", _head(name), b'"markers":[\n', b",\n".join(markers), b"\n]}")))


def lines(name: str, content: bytes) -> Iterator[bytes]:
    """The canonical JSON of each marker. ValueError, before the first, where this is not what was written under `name`."""
    head = _head(name)
    if check(content)[: len(head)] != head:
        raise ValueError("another set")
    return _lines(content)


def markers(name: str, content: bytes) -> Iterator[dict[str, Any]]:
    """The same, parsed."""
    return (_PARSE(line.decode())[0] for line in lines(name, content))


def _head(name: str) -> bytes:
    return b'"set":' + json.dumps(name.rpartition("/")[2]).encode() + b","


def _lines(content: bytes) -> Iterator[bytes]:
    reading = io.BytesIO(content)
    next(reading)
    for line in reading:
        if line != b"]}" and line != b"\n":
            yield line.rstrip(b",\n")
