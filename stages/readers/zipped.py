"""Files in a zip archive, one at a time and none larger than its reader can bear."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import BinaryIO, NamedTuple

from stages.errors import InputError

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what the sources of this format use; others raise OSError too
_FAULTS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, struct.error)
_ENCRYPTED, _UTF_8 = 0x1, 0x800  # flags of a member


class Member(NamedTuple):
    name: str  # path in the archive
    data: bytes
    offset: int  # of its header in the archive


class Unreadable(NamedTuple):
    """A member that is there but cannot be had."""

    name: str
    error: str
    offset: int


def is_zip(file: BinaryIO) -> bool:
    """By the first bytes; the file is read from its beginning again."""
    file.seek(0)
    magic = file.read(4)
    file.seek(0)
    return magic in (b"PK\x03\x04", b"PK\x05\x06")


def members(file: BinaryIO, place: str, wanted: Callable[[str], bool], limit: int) -> Iterator[Member | Unreadable]:
    """The files whose name is `wanted`, in the order of the archive's own list, of at most `limit` bytes each.

    Only one is held at a time; what a member says of its size is not believed, and no two may have bytes in common, which is
    how ten megabytes become a petabyte. Names are told, never used as paths. InputError when the archive has no list.
    """
    try:
        archive = zipfile.ZipFile(file)
    except _FAULTS as error:
        raise InputError(f"{place}: a zip archive that cannot be read ({_line(error)}): fetch it again") from None
    with archive:
        overlapping = _overlapping(archive.infolist())
        for info in archive.infolist():
            name = _name(info)
            if info.is_dir() or not wanted(name):
                continue
            if info.header_offset in overlapping:
                yield Unreadable(name, "its bytes are those of another file too, as in a zip bomb", info.header_offset)
            else:
                yield _member(archive, info, name, limit)


def _overlapping(infos: Sequence[zipfile.ZipInfo]) -> frozenset[int]:
    """Where files begin that reach into the next one. Python itself looks only from 3.11.8 on."""
    inside = sorted((info.header_offset, info.compress_size) for info in infos)
    return frozenset(at for (at, size), (following, _) in pairwise(inside) if at + size > following or at == following)


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, limit: int) -> Member | Unreadable:
    at = info.header_offset
    if info.flag_bits & _ENCRYPTED:
        return Unreadable(name, "encrypted: unpack the archive with its password", at)
    if info.compress_type not in _METHODS:
        return Unreadable(name, f"compressed by method {info.compress_type}: pack it again with deflate", at)
    try:
        with archive.open(info) as member:
            data = member.read(limit + 1)
    except _FAULTS as error:
        return Unreadable(name, _line(error), at)
    if len(data) > limit:
        return Unreadable(name, f"over {limit >> 20} MiB unpacked", at)
    return Member(name, data, at)


def _name(info: zipfile.ZipInfo) -> str:
    """Without the flag for UTF-8 a name is in the code page of whoever packed it: here, of a Japanese Windows."""
    if info.flag_bits & _UTF_8:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("cp932")
    except UnicodeError:
        return info.filename


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
