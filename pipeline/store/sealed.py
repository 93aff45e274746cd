"""JSON that can tell whether it is still what was written: its first member is a digest of all the rest.

Data have the checksums of Parquet pages. What is said of them has none: a flipped bit in a count or a hash is JSON as good
as any other, and would be believed.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

CHECK = "check"
_HEAD = f'{{"{CHECK}":"'.encode()
_DIGITS = 16  # 64 bits, against accidents


def seal(content: bytes) -> bytes:
    """The JSON of an object that has a member, with the digest of it as the first one."""
    assert content.startswith(b"{") and content[:2] != b"{}", "an object with a member"
    rest = memoryview(content)[1:]
    return b"".join((_head(rest), rest))


def unseal(content: bytes) -> dict[str, Any]:
    """The object that was sealed. ValueError where it is not what was written."""
    check(content)
    value: dict[str, Any] = json.loads(content)
    del value[CHECK]
    return value


def check(content: bytes) -> memoryview:
    """What was sealed, but for its opening brace. ValueError where it is not what was written."""
    head = len(_HEAD) + _DIGITS + 2
    rest = memoryview(content)[head:]
    if content[:head] != _head(rest):
        raise ValueError("not what was written")
    return rest


def _head(rest: bytes | memoryview) -> bytes:
    """What stands before all that follows the opening brace."""
    digest = hashlib.sha256(rest).hexdigest()[:_DIGITS]
    return _HEAD + digest.encode() + b'",'
