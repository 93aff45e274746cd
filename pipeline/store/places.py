"""Where a run keeps what it makes: a folder, or a prefix in a bucket."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pipeline.errors import UsageError

S3 = "s3://"
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,62}")


@dataclass(frozen=True, slots=True)
class Address:
    """s3://bucket/prefix. Joined with `/` as a path is, and as final as one: it says nothing of whether it exists."""

    bucket: str
    prefix: str = ""  # without slashes at its ends; '' = the whole bucket

    def __str__(self) -> str:
        return f"{S3}{self.bucket}/{self.prefix}".rstrip("/")

    def __truediv__(self, name: str) -> Address:
        return Address(self.bucket, f"{self.prefix}/{name}".strip("/"))

    @property
    def name(self) -> str:
        return PurePosixPath(self.prefix).name

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.prefix).suffix

    @property
    def parent(self) -> Address:
        return Address(self.bucket, self.prefix.rpartition("/")[0])


Place = Path | Address


def is_address(text: str) -> bool:
    return text.startswith(S3)


def parse(text: str) -> Address:
    """UsageError for what is no address of a prefix, and for one with credentials in it (which it does not repeat)."""
    bucket, _, prefix = text.removeprefix(S3).partition("/")
    if "@" in bucket:
        raise UsageError(f"{S3}…@{bucket.rpartition('@')[2]}: give credentials by the environment, not in the address")
    prefix = prefix.rstrip("/")
    if not _BUCKET.fullmatch(bucket) or {"", ".", ".."} & set(prefix.split("/") if prefix else ()) or "\\" in prefix:
        raise UsageError(f"{text}: not an address of S3; it is {S3}bucket/prefix")
    return Address(bucket, prefix)


def place(text: str, folder: Path | None = None) -> Place:
    """An address, or a path: `~` expanded, relative to `folder` (as it stands where that is None)."""
    if is_address(text):
        return parse(text)
    return Path(text) if folder is None else Path(os.path.normpath(folder / os.path.expanduser(text)))


def is_final(text: str) -> bool:
    """Whether every node and every working directory understands it alike."""
    return is_address(text) or os.path.isabs(text)
