"""Tiny WARC files made in tests."""

from __future__ import annotations

import gzip as gziplib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stages.base import Inputs, SourceFile

PROSE = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。"


def html(text: str = PROSE * 5, title: str = "題") -> bytes:
    return f'<html lang="ja"><head><title>{title}</title></head><body><p>{text}</p></body></html>'.encode()


@dataclass(frozen=True)
class Response:
    """One response; `block` replaces the whole HTTP message."""

    body: bytes = html()
    url: str = "https://example.jp/"
    id: str | None = ""  # '': made from the position in the file; None: no header at all
    status: str = "200 OK"
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "text/html; charset=utf-8"})
    type: str = "response"


def record_id(position: int) -> str:
    return f"urn:uuid:00000000-0000-4000-8000-{position:012x}"


def write(path: Path, *responses: Response, gzip: bool = True) -> Path:
    records = [encoded(response, position) for position, response in enumerate(responses)]
    path.write_bytes(b"".join(map(compress, records) if gzip else records))
    return path


def encoded(response: Response, position: int) -> bytes:
    """A whole record as ISO 28500 has it: header, empty line, block, two empty lines."""
    block = response.body
    if response.type in ("response", "request"):
        lines = [f"HTTP/1.1 {response.status}", *(f"{name}: {value}" for name, value in response.headers.items())]
        block = "\r\n".join([*lines, "", ""]).encode() + block
    header = [
        "WARC/1.0",
        f"WARC-Type: {response.type}",
        f"WARC-Target-URI: {response.url}",
        f"WARC-Date: 2024-06-15T00:00:{position % 60:02}Z",
        f"Content-Length: {len(block)}",
    ]
    if response.id is not None:
        header.append(f"WARC-Record-ID: <{response.id or record_id(position)}>")
    return "\r\n".join([*header, "", ""]).encode() + block + b"\r\n\r\n"


def compress(record: bytes) -> bytes:
    return gziplib.compress(record, mtime=0)


def inputs(path: Path, sha256: str = "ab" * 32) -> Inputs:
    return Inputs(file=SourceFile(str(path), sha256, path.stat().st_size))
