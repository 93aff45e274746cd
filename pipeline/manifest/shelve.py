"""Files into a release: copied with their sha256 checked on the way, and what an earlier release left removed."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

from pipeline.errors import InputError
from pipeline.manifest.counts import ShardEntry
from pipeline.store.folder import ATTEMPTS, LocalStore
from pipeline.store.store import Store

_SHARD_NAME = re.compile(r"\.?[\w.-]+-\d{5}-[0-9a-f]{8}\.parquet(\.\d+)?")
_DRAFTED = ("NOTICE", "shards.jsonl", "manifest.json", "hosts.parquet", "removals.jsonl")
_PIECE = 1 << 20  # bytes
_AT_ONCE = 8  # copies where one end is far away


def unchanged(release: Store, texts: Mapping[str, bytes], sizes: Mapping[str, int]) -> bool:
    """Whether a release is what would be written: its texts to the byte, its other files by their sizes."""
    if any(release.read(name) != content for name, content in texts.items()):
        return False
    there = {entry.name: entry.bytes for entry in release.entries("data")}
    return all((there[name] if name in there else release.size(name)) == size for name, size in sizes.items())


def copy_all(source: Store, target: Store, files: Sequence[tuple[str, str, str]]) -> None:
    """Files (name in `source`, name in `target`, sha256): copies, not links, and whole or not there.

    Damage to a shard in the release must not damage what it can be re-created from.
    """
    if isinstance(source, LocalStore) and isinstance(target, LocalStore):
        for name, to, sha256 in files:
            copy(source, name, target, to, sha256)
        return
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        jobs = [pool.submit(copy, source, name, target, to, sha256) for name, to, sha256 in files]
        try:
            for job in jobs:
                job.result()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def copy(source: Store, name: str, target: Store, to: str, sha256: str) -> None:
    if isinstance(target, LocalStore):
        file = target.root / to
        file.parent.mkdir(parents=True, exist_ok=True)
        _place(lambda: source.open(name), source.path(name), file, sha256)
        return
    with target.scratch() as scratch:
        draft = scratch / "copy"
        with source.open(name) as content:
            _fill(content, source.path(name), draft, sha256)
        target.put(draft, to)


def place(committed: Path, target: Path, sha256: str) -> None:
    """`copy` of one file to another."""
    _place(lambda: committed.open("rb"), str(committed), target, sha256)


def _place(open_source: Callable[[], BinaryIO], committed: str, target: Path, sha256: str) -> None:
    """Another run into the same release takes this one's draft for that of a killed run and removes it; then once more."""
    for attempt in range(ATTEMPTS):
        draft = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            with open_source() as content:
                _fill(content, committed, draft, sha256)
            os.replace(draft, target)
            return
        except FileNotFoundError:
            if attempt == ATTEMPTS - 1:
                raise
        finally:
            draft.unlink(missing_ok=True)


def _fill(content: BinaryIO, committed: str, draft: Path, sha256: str) -> None:
    hashed = hashlib.sha256()
    with draft.open("wb") as file:
        while piece := content.read(_PIECE):
            hashed.update(piece)
            file.write(piece)
        if hashed.hexdigest() != sha256:
            raise InputError(f"{committed}: damaged since it was committed; delete it and run again")
        file.flush()
        os.fsync(file.fileno())


def remove_others(release: Store, entries: Sequence[ShardEntry]) -> None:
    """Shards of earlier releases and drafts of killed runs, known by their names; nothing else is touched."""
    listed = {entry.path for entry in entries}
    for name in release.list("data"):
        if _SHARD_NAME.fullmatch(name.rpartition("/")[2]) and name not in listed:
            release.remove(name)


def remove_drafts(release: Store) -> None:
    """What killed runs left beside the texts of the release."""
    for name in release.list(""):
        if any(name.startswith(f".{drafted}.") for drafted in _DRAFTED):
            release.remove(name)
