"""Zstandard frames (RFC 8878): where one ends, and what is in it, in bounded memory."""

from __future__ import annotations

import mmap
from collections.abc import Iterator

import zstandard

MAGIC = b"\x28\xb5\x2f\xfd"
_SKIPPABLE_TAIL = b"\x2a\x4d\x18"  # after a first byte of 0x50 to 0x5f
_DICTIONARY = b"\x5d\x2a\x4d\x18"  # the skippable frame that holds it, by the convention of the .warc.zst writers
_MAX_DICTIONARY = 16 << 20
_RLE, _RESERVED = 1, 3
_HEAD = 18  # bytes of the longest frame header (RFC 8878, 3.1.1)
PIECE = 1 << 16


def decompressor(dictionary: bytes = b"", max_window: int = 0) -> zstandard.ZstdDecompressor:
    """`max_window`: bytes that a frame may ask to be remembered; 0 for the library's bound, 128 MiB."""
    known = zstandard.ZstdCompressionDict(dictionary) if dictionary else None
    return zstandard.ZstdDecompressor(dict_data=known, max_window_size=max_window)


def is_skippable(data: bytes | mmap.mmap, position: int) -> bool:
    head = data[position : position + 4]
    return head[1:] == _SKIPPABLE_TAIL and 0x50 <= head[0] <= 0x5F


def frame_end(data: bytes | mmap.mmap, position: int) -> int | None:
    """Where the frame at `position` ends, found by its block headers alone; None if it is cut or no frame is there."""
    if is_skippable(data, position):
        length = data[position + 4 : position + 8]
        end = position + 8 + int.from_bytes(length, "little")
        return end if len(length) == 4 and end <= len(data) else None
    try:
        head = data[position : position + _HEAD]
        if not head.startswith(MAGIC):
            return None
        at = position + zstandard.frame_header_size(head)
        checksum = 4 if zstandard.get_frame_parameters(head).has_checksum else 0
    except zstandard.ZstdError:
        return None
    last = False
    while not last:
        header = data[at : at + 3]
        if len(header) < 3:
            return None
        block = int.from_bytes(header, "little")
        last, kind, size = bool(block & 1), block >> 1 & 3, block >> 3
        if kind == _RESERVED:
            return None
        at += 3 + (1 if kind == _RLE else size)
    return at + checksum if at + checksum <= len(data) else None


def pieces(decompressor: zstandard.ZstdDecompressor, frame: object) -> Iterator[bytes]:
    """The content of one frame, 64 KiB at a time; less of it if the frame is cut. Raises ZstdError if it is corrupt.

    `frame` is bytes, or a file that ends where the frame ends.
    """
    reader = decompressor.stream_reader(frame, read_across_frames=False)  # type: ignore[arg-type]
    while piece := reader.read(PIECE):
        yield piece


def dictionary_at_head(data: bytes | mmap.mmap) -> bytes:
    """The dictionary in a skippable frame at the head of a file, which may be compressed itself; b'' if there is none.

    Raises ZstdError if it cannot be read.
    """
    if data[:4] != _DICTIONARY:
        return b""
    end = frame_end(data, 0)
    if end is None or end > _MAX_DICTIONARY:
        raise zstandard.ZstdError("it is cut or too long")
    content = data[8:end]
    return b"".join(pieces(decompressor(), content)) if content.startswith(MAGIC) else content
