"""A measure that a recipe brings over where a page lies: is its host or address in a list? `[[measure]]` of kind `hosts`.

The list is a file of hosts and domains (`stages.gate.blocklist`: a name stands for all under it), or a folder of a category as
the UT1 lists have it (https://dsi.ut-capitole.fr/blacklists/): `domains`, and `urls` of the form host/path, each of which
stands for all addresses that go on from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pyarrow as pa

from stages.base import PATH, Sidecar, Sink
from stages.errors import InputError
from stages.gate.blocklist import BlockList, digest
from stages.hosts import canonical

LISTED, NOT_LISTED = 1.0, 0.0


class Addresses:
    """Lines host/path: each stands for that address and all below it."""

    def __init__(self, path: Path | None) -> None:
        """None for no line. Raises InputError for a line that is no address."""
        self._known: set[str] = set()
        for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines() if path else (), 1):
            written = line.partition("#")[0].strip()
            if not written:
                continue
            host, slash, rest = written.removeprefix("http://").removeprefix("https://").partition("/")
            if not slash or not canonical(host):
                raise InputError(f"{path}, line {number}: {written[:100]!r} is no address; write host/path")
            self._known.add(f"{canonical(host)}/{rest.rstrip('/')}")

    def holds(self, host: str, url: str) -> bool:
        if not self._known:
            return False
        try:
            path = urlsplit(url).path
        except ValueError:
            return False
        parts = path.strip("/").split("/")
        return any(f"{host}/{'/'.join(parts[:end])}" in self._known for end in range(len(parts) + 1))


@dataclass(frozen=True)
class OwnHosts(Sidecar):
    """One float64 column, called by its code: 1 for a page that is listed, else 0."""

    code: str
    path: str = field(metadata=PATH)

    name: ClassVar[str] = "measure-own-hosts"
    version: ClassVar[int] = 1
    reads: ClassVar[Mapping[str, Sequence[str]]] = {"extract": ("url", "host")}

    @property
    def key(self) -> str:
        return f"measure-{self.code}"

    def resources(self) -> dict[str, str]:
        self._lists()  # a line that is no host is told here, before anything is submitted
        return {"list": digest(_files(self.code, Path(self.path)))}

    def layout(self) -> pa.Schema:
        return pa.schema([pa.field(self.code, pa.float64())])

    def rows(self, batch: Mapping[str, pa.Table], sink: Sink) -> pa.Table:
        hosts, addresses = self._lists()
        extract = batch["extract"]
        where = zip(extract["host"].to_pylist(), extract["url"].to_pylist(), strict=True)
        values = [LISTED if hosts.blocks(host) or addresses.holds(host, url) else NOT_LISTED for host, url in where]
        return pa.table([pa.array(values, pa.float64())], schema=self.layout())

    def unmeasured(self, document: Mapping[str, pa.Table]) -> dict[str, Any]:
        return {self.code: None}

    def _lists(self) -> tuple[BlockList, Addresses]:
        files = _files(self.code, Path(self.path))
        try:
            return _loaded(Path(self.path), tuple((f.stat().st_size, f.stat().st_mtime_ns) for f in files))
        except InputError as error:
            raise InputError(f"{self.code}: {error}") from None


def _files(code: str, path: Path) -> list[Path]:
    """The file, or `domains` and `urls` of the folder, as far as they are there."""
    found = [file for file in (path / "domains", path / "urls") if file.is_file()] if path.is_dir() else [path]
    if not found or not found[0].is_file():
        mend = "a file of hosts, or a folder with `domains` or `urls`"
        raise InputError(f"{code}: {path}: no such list; give {mend}")
    return found


@lru_cache(maxsize=8)
def _loaded(path: Path, _stamps: tuple[tuple[int, int], ...]) -> tuple[BlockList, Addresses]:
    """Once a process, and again where a file has changed."""
    if not path.is_dir():
        return BlockList([path]), Addresses(None)
    domains, urls = path / "domains", path / "urls"
    return BlockList([domains] if domains.is_file() else []), Addresses(urls if urls.is_file() else None)
