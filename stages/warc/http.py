"""The HTTP message inside a WARC response record: status, headers, and the body with its codings undone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from stages.warc.http_codings import CODINGS, CodingError

__all__ = ["CodingError", "Message", "dechunked", "decoded_body", "parse"]

_EMPTY_LINES = re.compile(rb"[\r\n]*")
_STATUS = re.compile(rb"HTTP/\d(?:\.\d)?[ \t]+(\d{3})")
_HEAD_END = re.compile(rb"\n\r?\n")
_CHUNK_SIZE = re.compile(rb"[ \t]*([0-9a-fA-F]{1,15})[^\r\n]{0,200}\r?\n")
_MARKUP = re.compile(rb"(?:\xef\xbb\xbf)?\s*<")

# Fields that are no lists (RFC 9110, 9111, 6265): of several the first counts, as joined they would be nonsense.
_SINGLE = frozenset(
    {
        *("age", "content-length", "content-location", "content-range", "content-type", "date", "etag", "expires"),
        *("last-modified", "location", "retry-after", "server", "set-cookie", "strict-transport-security"),
    }
)

_LINES = frozenset({"x-robots-tag"})  # each line of it may name a robot, to which its own values alone are told


@dataclass(frozen=True, slots=True)
class Message:
    status: int  # 0 when there is no status line
    headers: Mapping[
        str, str
    ]  # names in lower case; several with one name are joined, by ', ' or line ends, if they make a list
    body: bytes  # as it was sent: transfer and content codings in place


def parse(block: bytes) -> Message:
    """Split a record block. A block that does not begin with a status line is all body.

    Empty lines before the status line (RFC 9112, 2.2) and interim responses (1xx) before the last are passed over.
    """
    status, headers, at = 0, b"", 0
    while match := _STATUS.match(block, _empty_lines_end(block, at)):
        status = int(match[1])
        end = _HEAD_END.search(block, match.end())
        headers, at = (block[match.end() : end.start()], end.end()) if end else (block[match.end() :], len(block))
        if not 100 <= status < 200:
            break
    return Message(status, _headers(headers), block[at:])


def _empty_lines_end(block: bytes, position: int) -> int:
    match = _EMPTY_LINES.match(block, position)
    return match.end() if match else position


def _headers(head: bytes) -> dict[str, str]:
    """Fields of the lines after the first; one that begins with white space goes on with the value before it."""
    values: dict[str, list[str]] = {}
    last: list[str] = []
    for line in _text(head).split("\n")[1:]:
        if last and line.startswith((" ", "\t")):
            last[-1] = f"{last[-1]} {line.strip()}".strip()
            continue
        name, colon, value = line.partition(":")
        if colon:
            last = values.setdefault(name.strip().lower(), [])
            last.append(value.strip())
    return {
        name: found[0] if name in _SINGLE else ("\n" if name in _LINES else ", ").join(filter(None, found))
        for name, found in values.items()
    }


def _text(head: bytes) -> str:
    """Fields are ASCII (RFC 9110, 5.5); of other bytes none is lost, and UTF-8 is read as such."""
    try:
        return head.decode()
    except UnicodeDecodeError:
        return head.decode("latin-1")


def decoded_body(message: Message, limit: int) -> bytes:
    """The body with transfer and content codings undone, at most `limit` bytes of it and of every step on the way.

    Crawlers often store the decoded body under the headers of the coded one, so a body that does not look coded is
    taken as it is. A coded body that was cut short (by a crawler's size limit) gives what there is of it.
    Raises CodingError for an unknown coding and for a corrupt body.
    """
    body = message.body
    codings = _names(message, "content-encoding") + _names(message, "transfer-encoding")
    for coding in reversed(codings):
        if coding == "chunked":
            body = dechunked(body)
        elif body and not _MARKUP.match(body):
            undo = CODINGS.get(coding)
            if undo is None:
                raise CodingError(f"unknown content coding {coding[:40]!r}")
            body = undo(body, limit)
    return body[:limit]


def _names(message: Message, header: str) -> list[str]:
    names = (name.partition(";")[0].strip().lower() for name in message.headers.get(header, "").split(","))
    return [name for name in names if name]


def dechunked(body: bytes) -> bytes:
    """Chunks joined up to the last one, or to the first that is malformed; a body without chunks is left alone."""
    joined = bytearray()
    position = 0
    while size := _CHUNK_SIZE.match(body, position):
        start, length = size.end(), int(size[1], 16)
        if length == 0:
            return bytes(joined)
        position = start + length
        joined += body[start:position]
        position += 2 if body[position : position + 2] == b"\r\n" else body[position : position + 1] == b"\n"
    return bytes(joined) if position else body
