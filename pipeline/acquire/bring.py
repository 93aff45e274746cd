"""What a task does with an input that lies elsewhere: fetch it, whole or in ranges, for as long as it is read."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pipeline.acquire.ranges import fetch_part, reader
from pipeline.acquire.remote import Network, Remote, cut_out, download, look
from pipeline.acquire.turns import LocalTurns, Turns
from stages.base import SourceFile

HEAD = 128 << 20  # bytes a dry run fetches of a file: some 4,000 pages of a crawl


@dataclass(frozen=True, slots=True)
class Fetch:
    """How a partition's file comes to the machine that reads it."""

    how: Literal["whole", "ranges", "slice"]  # ranges: `SourceFile.path` is a table of records to fetch
    network: Network
    tag: str = ""  # of the content that was planned; '' where a published name vouches for it


def brought(file: SourceFile, fetch: Fetch, scratch: Path, turns: Turns | None, *, head: bool) -> SourceFile:
    """The file in `scratch`. `head`: the beginning of it will do. InputError when it is not what was planned."""
    turns = turns or local_turns(fetch.network)
    if fetch.how == "ranges":
        to = scratch / "records.warc.gz"
        spans = fetch_part(file.path, to, reader(fetch.network, turns))
        return replace(file, path=str(to), bytes=to.stat().st_size, label=file.name, spans=spans)
    to = scratch / file.name
    if file.slice is not None:
        of = file.slice if not head else replace(file.slice, end=min(file.slice.end, file.slice.start + HEAD))
        cut_out(Remote(file.path, file.bytes, fetch.tag), [(0, of.head), (of.start, of.end)], to, fetch.network, turns)
        cut = of.end < file.slice.end
        return replace(file, path=str(to), bytes=of.size, label=file.name, slice=replace(of, fetched=True), head=cut)
    planned = Remote(file.path, file.bytes, fetch.tag) if fetch.tag else look(file.path, fetch.network, turns)
    limit = HEAD if head and planned.bytes > HEAD else None
    download(planned, to, fetch.network, turns, limit=limit)
    return replace(file, path=str(to), bytes=to.stat().st_size, label=file.name, head=limit is not None)


def local_turns(network: Network) -> Turns:
    """One cap for everything of this user on this machine that asks for the same, whatever run it belongs to."""
    name = f"seimai-turns-{os.getuid()}-{network.connections}-{network.requests_per_second:g}"
    return LocalTurns(Path(tempfile.gettempdir()) / name, network.connections, network.requests_per_second)
