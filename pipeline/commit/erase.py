"""Erasing text from committed files: what is left of a row, of its edits, of a record in quarantine.

A row that was erased keeps its place, its id, its host and where its source has it; `reason` says what happened. Its file
keeps the identity that it had (`sha256` of what was extracted), so that what was measured of the text still counts and
nothing after it runs again; `erased` in the marker says what lies there now.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from stages.base import InputError
from stages.digest import digest_of
from stages.documents import DOCUMENTS, ERASED, document
from stages.edits.edits import EDITS_TYPE
from stages.hosts import host_of
from stages.parquet import Writer, open_checked
from stages.release.left_out import Denied

GROUP_ROWS = 1 << 30  # row groups end where those of the original do
LEFT = ("id", "host", "via", "origin", "file", "offset", "length")  # columns of an erased row that keep their value
ASKED = ("id", "url", "host", "reason")  # columns that say whether a row is to be erased

Change = Callable[[pa.Table, list[int]], pa.Table]


@dataclass
class Erased:
    """What went from one file of documents."""

    rows: int = 0  # that lost their text now
    titles: set[str] = field(default_factory=set)
    places: list[int] = field(default_factory=list)  # numbers of all erased rows, those of earlier removals included


def listed_whole(name: str, content: bytes) -> Denied:
    """A list of removals that this program has written. InputError where it is damaged: what it asks for would come back."""
    if not content.endswith(b"\n"):
        raise InputError(
            f"{name}: its end is missing; put back a copy, or delete it and ask again for what was removed (`seimai remove`)"
        )
    return Denied.parse(name, content)


def documents(file: Path, target: Path, denied: Denied) -> Erased:
    """Erase what is denied from an output of `extract`. `target` is written where a row has changed, and not else."""
    found, first, groups = Erased(), 0, []
    with open_checked(str(file)) as parquet:
        for group in range(parquet.num_row_groups):
            asked = parquet.read_row_group(group, columns=list(ASKED)).to_pydict()
            rows = []
            for row, (id, url, host, reason) in enumerate(zip(*(asked[name] for name in ASKED), strict=True)):
                gone = reason == ERASED
                if not gone and denied.ticket(id.hex(), url, host) is not None:
                    rows.append(row)
                if gone or (rows and rows[-1] == row):
                    found.places.append(first + row)
            groups.append(rows)
            first += len(asked["id"])
    found.rows = sum(map(len, groups))
    if found.rows:

        def erase(table: pa.Table, rows: list[int]) -> pa.Table:
            listed = table.to_pylist()
            for row in rows:
                found.titles.add(listed[row]["title"])
                listed[row] = document(reason=ERASED, **{name: listed[row][name] for name in LEFT})
            return pa.Table.from_pylist(listed, schema=DOCUMENTS)

        rewritten(file, target, groups, erase)
    found.titles.discard("")
    return found


def edits(file: Path, target: Path, places: list[int]) -> bool:
    """Take the spans of the rows at `places` out of an output of `edits`. Whether there were any."""
    groups, some, wanted, first = [], False, set(places), 0
    with open_checked(str(file)) as parquet:
        for group in range(parquet.num_row_groups):
            spans = parquet.read_row_group(group)["edits"].to_pylist()
            groups.append([row for row, each in enumerate(spans) if each and first + row in wanted])
            some = some or bool(groups[-1])
            first += len(spans)

    def erase(table: pa.Table, rows: list[int]) -> pa.Table:
        spans = table["edits"].to_pylist()
        for row in rows:
            spans[row] = []
        return pa.table({"edits": pa.array(spans, EDITS_TYPE)}, schema=table.schema)

    if some:
        rewritten(file, target, groups, erase)
    return some


def templates(file: Path, target: Path, titles: set[str]) -> bool:
    """Take the titles of erased pages out of the examples of unknown templates. Whether there were any."""
    with open_checked(str(file)) as parquet:
        table = parquet.read()
    examples = table["example"].to_pylist()
    if titles.isdisjoint(examples):
        return False
    place = table.schema.get_field_index("example")
    left = pa.array(["" if title in titles else title for title in examples], pa.string())
    with Writer(target, table.schema) as writer:
        writer.write(table.set_column(place, table.schema.field(place), left))
    return True


def summary(file: Path, target: Path, denied: Denied) -> int:
    """Take the addresses of what is denied out of the examples of a summary of dedup. Returns how many there were."""
    with open_checked(str(file)) as parquet:
        table = parquet.read()
    rows, some = table.to_pylist(), 0
    for row in rows:
        for id, url in (("example", "url"), ("keeper", "keeper_url")):
            if row[url] and denied.ticket(row[id], row[url], host_of(row[url])) is not None:
                row[url], some = "", some + 1
    if some:
        with Writer(target, table.schema) as writer:
            writer.write(pa.Table.from_pylist(rows, schema=table.schema))
    return some


def rewritten(file: Path, target: Path, groups: list[list[int]], change: Change) -> None:
    """A copy of `file`, row group by row group, in which `change` has changed the rows that `groups` names."""
    with open_checked(str(file)) as parquet, Writer(target, parquet.schema_arrow, GROUP_ROWS) as writer:
        for group, rows in enumerate(groups):
            table = parquet.read_row_group(group)
            writer.write(change(table, rows) if rows else table, cut=True)


def quarantined(lost: Sequence[Mapping[str, str]], denied: Denied) -> list[dict[str, str]]:
    """Records in quarantine, those that are denied without address, place and error."""
    return [
        {"id": row["id"], "url": "", "where": "", "error": ERASED}
        if denied.ticket(row["id"], row["url"], host_of(row["url"])) is not None
        else dict(row)
        for row in lost
    ]


def said(output: Mapping[str, Any], file: Path, rows: int) -> dict[str, Any]:
    """What a marker says of an output whose file has changed: the identity stays, `erased` tells what lies there now."""
    before = output.get("erased", {}).get("rows", 0)
    return {**output, "bytes": file.stat().st_size, "erased": {"sha256": digest_of(file), "rows": before + int(rows)}}
