"""Whether a WARC record holds what its digests were made of (ISO 28500, 5.8 and 5.9)."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping

from stages.warc import http
from stages.warc.parse import Raw

_ALGORITHMS: Mapping[str, Callable[[bytes], hashlib._Hash]] = {
    "md5": hashlib.md5,
    "sha1": hashlib.sha1,
    "sha256": hashlib.sha256,
    "sha384": hashlib.sha384,
    "sha512": hashlib.sha512,
}


def mismatch(raw: Raw, payload: bytes) -> str:
    """How a response differs from its digest in one line, '' if it does not, has none, or its block was cut at a cap.

    The block digest decides. Only a record without one is judged by its payload digest, which writers make of the body as
    it was sent or of the body with its chunks joined. `payload`: the body as it was sent.
    """
    if raw.headers.get("content-length") != str(len(raw.block)):
        return ""
    if declared := raw.headers.get("warc-block-digest"):
        return _differs("WARC-Block-Digest", declared, [raw.block])
    if declared := raw.headers.get("warc-payload-digest"):
        return _differs("WARC-Payload-Digest", declared, [payload, http.dechunked(payload)])
    return ""


def _differs(header: str, declared: str, candidates: list[bytes]) -> str:
    algorithm, _, value = declared.partition(":")
    digest = _ALGORITHMS.get(algorithm.strip().lower().replace("-", ""))
    if digest is None:
        return f"{header} cannot be checked: unknown algorithm {algorithm[:40]!r}"
    found = [digest(data).digest() for data in candidates]
    if _decoded(value.strip(), len(found[0])) in found:
        return ""
    return f"{header} is {declared[:140]}, the content has {algorithm}:{found[0].hex()}"


def _decoded(value: str, size: int) -> bytes | None:
    """A digest of `size` bytes out of hexadecimal or base 32, whichever has that length; None if neither fits."""
    try:
        if len(value) == 2 * size:
            return bytes.fromhex(value)
        return base64.b32decode(value.rstrip("=").upper() + "=" * (-len(value.rstrip("=")) % 8))
    except (ValueError, binascii.Error):
        return None
