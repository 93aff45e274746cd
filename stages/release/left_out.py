"""What is left out between dedup and the release, though it is good and no copy: asked to be removed, or over a cap.

Each such stage is a sidecar of LEFT_OUT rows; `write` heeds those that it is told of, in their order.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.base import PATH, InputError, Inputs, Part, Sidecar, Sink, Stage
from stages.digest import sha256_of
from stages.documents import ERASED

LEFT_OUT = pa.schema([pa.field("keep", pa.bool_(), nullable=False), pa.field("reason", pa.string(), nullable=False)])
REMOVALS = "removals.jsonl"  # in a release or a work folder: what was asked to be removed from it, and stays out
REMOVED, CAPPED = "removed.request", "cap.host"
UNNAMED = "erased"  # the ticket of a document whose text was erased and that no list names any more
REASONS = {
    REMOVED: "asked to be removed; see removals.jsonl of the release",
    CAPPED: "its host has its share: tokens_per_host of the source",
}


def url_key(url: str) -> str:
    """How a removed URL is known: its BLAKE2b-128, so that the list does not tell what was removed."""
    return hashlib.blake2b(url.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


@dataclass(frozen=True)
class Denied:
    """What `removals.jsonl` files ask for: key -> the ticket that asked first."""

    urls: Mapping[str, str]
    ids: Mapping[str, str]
    hosts: Mapping[str, str]  # and all hosts under each

    @classmethod
    def read(cls, files: Sequence[str]) -> Denied:
        return cls._merged([(file, Path(file).read_bytes()) for file in files])

    @classmethod
    def parse(cls, name: str, content: bytes) -> Denied:
        """From the content of one list; `name` is what an error calls it."""
        return cls._merged([(name, content)])

    @classmethod
    def _merged(cls, lists: Sequence[tuple[str, bytes]]) -> Denied:
        found: dict[str, dict[str, str]] = {"url": {}, "id": {}, "host": {}}
        for file, content in lists:
            for number, line in enumerate(content.splitlines(), 1):
                try:
                    entry = json.loads(line)
                    (kind,) = entry.keys() - {"ticket"}
                    found[kind].setdefault(str(entry[kind]), str(entry["ticket"]))
                except (ValueError, KeyError, AttributeError):
                    raise InputError(
                        f'{file}:{number}: not a removal ({{"ticket": …, "url" or "id" or "host": …}}); `seimai remove` writes them'
                    ) from None
        return cls(found["url"], found["id"], found["host"])

    @cached_property
    def sha256(self) -> str:
        """Of what is asked for, however it is spread over files."""
        asked = json.dumps([sorted(found.items()) for found in (self.urls, self.ids, self.hosts)])
        return hashlib.sha256(asked.encode()).hexdigest()

    def ticket(self, id: str, url: str, host: str) -> str | None:
        """The ticket that asks for a document to go, or None."""
        found = self.ids.get(id) or self.urls.get(url_key(url))
        while self.hosts and host and not found:
            found = self.hosts.get(host)
            host = host.partition(".")[2]
        return found


@dataclass(frozen=True)
class Deny(Sidecar):
    """Documents that someone asked to be removed stay out of every later release.

    So do those whose text was erased (`pipeline/removal/everywhere.py`), whatever the lists say by now.
    """

    lists: tuple[str, ...] = field(default=(), metadata=PATH)

    name: ClassVar[str] = "deny"
    version: ClassVar[int] = 2
    reads: ClassVar[Mapping[str, Sequence[str]]] = {
        "extract": ("id", "url", "host", "reason"),
        "verdict": ("keep",),
        "dedup": ("keep",),
    }
    schema: ClassVar[pa.Schema] = LEFT_OUT

    def resources(self) -> dict[str, str]:
        return {"lists": self._denied.sha256}

    @property
    def _denied(self) -> Denied:
        return _read(self.lists, tuple(sha256_of(Path(file)) for file in self.lists))

    def rows(self, batch: Mapping[str, pa.Table], sink: Sink) -> pa.Table:
        denied = self._denied
        stays = pc.and_(batch["verdict"]["keep"], batch["dedup"]["keep"]).to_pylist()
        columns = (batch["extract"][name].to_pylist() for name in ("id", "url", "host", "reason"))
        tickets = [
            denied.ticket(id.hex(), url, host) or (UNNAMED if reason == ERASED else None) if stay else None
            for stay, id, url, host, reason in zip(stays, *columns, strict=True)
        ]
        for ticket, n in Counter(ticket for ticket in tickets if ticket is not None).items():
            sink.count(f"ticket.{ticket}", n)
        reasons = [REMOVED if ticket is not None else "" for ticket in tickets]
        return pa.table([[not reason for reason in reasons], reasons], schema=LEFT_OUT)


@lru_cache(maxsize=1)
def _read(lists: tuple[str, ...], _sha256: tuple[str, ...]) -> Denied:
    """Read once a process, and again when a list has changed."""
    return Denied.read(lists)


@dataclass(frozen=True)
class HostCap(Stage):
    """At most so many tokens of one host, over all partitions of a source.

    Which documents stay is decided by a hash of their ids: a sample of the host, not its front pages, and with more
    documents of a host those that stay are still the ones of the lowest hashes. One that does not fit any more is left
    out and the next is tried. Tokens are of the extracted text. Pages without a host are not capped.
    """

    tokens: int = 0
    after: tuple[str, ...] = ()  # keys of LEFT_OUT sidecars before this one

    name: ClassVar[str] = "host-cap"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("extract", "tokens", "verdict", "dedup")
    barrier: ClassVar[bool] = True

    @property
    def requires(self) -> tuple[str, ...]:
        return (*self.needs, *self.after)

    def outputs(self, inputs: Inputs) -> dict[str, pa.Schema]:
        return {part.id: LEFT_OUT for part in inputs.parts}

    def run(self, inputs: Inputs, sink: Sink) -> None:
        parts = sorted(inputs.parts, key=lambda part: part.id)
        sizes: Counter[str] = Counter()
        for part in parts:
            for batch in self._batches(part):
                table = batch["extract"].append_column("tokens", batch["tokens"]["tokens"]).filter(batch["stays"])
                summed = table.group_by("host", use_threads=False).aggregate([("tokens", "sum")])
                sizes.update(dict(zip(summed["host"].to_pylist(), summed["tokens_sum"].to_pylist(), strict=True)))
        over = {host for host, size in sizes.items() if host and size > self.tokens}
        dropped = self._dropped(parts, over) if over else {}
        sink.count("hosts.capped", len(over))
        for number, part in enumerate(parts):
            keep = np.ones(part.rows["extract"].rows, dtype=np.bool_)
            keep[dropped.get(number, [])] = False
            sink.write(
                pa.table([pa.array(keep), pa.array(np.where(keep, "", CAPPED), pa.string())], schema=LEFT_OUT),
                to=part.id,
            )

    def _dropped(self, parts: Sequence[Part], over: set[str]) -> dict[int, list[int]]:
        """Part number -> rows that are left out."""
        by_host: dict[str, list[tuple[bytes, int, int, int]]] = defaultdict(list)  # hash, part, row, tokens
        wanted = pa.array(sorted(over), pa.string())
        for number, part in enumerate(parts):
            first = 0
            for batch in self._batches(part):
                rows = pc.indices_nonzero(pc.and_(batch["stays"], pc.is_in(batch["extract"]["host"], wanted)))
                ids, hosts = (batch["extract"][name].take(rows).to_pylist() for name in ("id", "host"))
                tokens = batch["tokens"]["tokens"].take(rows).to_pylist()
                for id, host, row, n in zip(ids, hosts, rows.to_pylist(), tokens, strict=True):
                    order = hashlib.blake2b(id, digest_size=8, person=b"seimai-cap").digest()
                    by_host[host].append((order, number, first + row, n))
                first += len(batch["stays"])
        dropped: dict[int, list[int]] = defaultdict(list)
        for documents in by_host.values():
            filled = 0
            for _, number, row, n in sorted(documents):
                if filled + n <= self.tokens:
                    filled += n
                else:
                    dropped[number].append(row)
        return dropped

    def _batches(self, part: Part) -> Iterator[dict[str, Any]]:
        columns = {"extract": ("id", "host"), "tokens": ("tokens",), **dict.fromkeys(self._says, ("keep",))}
        for batch in part.groups(columns):
            yield {**batch, "stays": staying(batch, self._says)}

    @property
    def _says(self) -> tuple[str, ...]:
        return ("verdict", "dedup", *self.after)


def staying(batch: Mapping[str, pa.Table], keys: Sequence[str]) -> pa.ChunkedArray:
    """Rows that every sidecar of `keys` keeps."""
    first, *others = keys
    keep = batch[first]["keep"]
    for key in others:
        keep = pc.and_(keep, batch[key]["keep"])
    return keep
