"""Erasing removed documents from a work folder: after it no file there holds their text.

The one exception to "committed is never changed". What was measured of a text stays, and its identity with it, so that a
later run makes nothing again but what it must leave the documents out of; what holds the text itself is rewritten (outputs
of `extract` and `edits`) or deleted (`write`, `shards`). `removals.pending` is written first and deleted last: while it is
there, whoever comes next finishes the removal, and every step may be done twice.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.commit import erase, sets
from pipeline.commit.commit import DAMAGE, Committed, canonical, digest, folder, load
from pipeline.errors import ShortError
from pipeline.removal.excerpts import Quoted, beside, reports
from pipeline.removal.remove import denied, note
from pipeline.store.folder import LocalStore, write
from pipeline.store.sealed import seal
from stages.base import MAIN
from stages.dedup.summary import SUMMARY
from stages.documents import ERASED
from stages.parquet import open_checked
from stages.release.left_out import REMOVALS, Denied

PENDING = "removals.pending"
WHOLE = ("write", "shards")  # stages whose outputs have the texts of the release; without them they are made again
TEXTS = ("extract", "edits", *WHOLE)  # stages whose files hold text

Asks = Sequence[Mapping[str, str]]


@dataclass
class Erasure:
    """What was done in a work folder."""

    documents: int = 0
    partitions: int = 0  # whose text was rewritten
    deleted: int = 0  # outputs that a later run makes again
    reports: int = 0  # that quoted something

    def told(self, work: Path) -> str:
        return (
            f"{work}: the text of {self.documents:,} documents erased from {self.partitions:,} partitions; {self.deleted:,} "
            f"outputs with it deleted, which a later run makes again, and {self.reports:,} reports that quoted it struck"
        )


def search(work: Path, asks: Asks) -> dict[str, str]:
    """Id -> ticket of every document that is asked for, in any output of `extract`, kept or not."""
    wanted, found = denied(asks), {}
    for marker in _markers(work, "extract"):
        with open_checked(str(work / marker.outputs[MAIN]["path"])) as parquet:
            for group in range(parquet.num_row_groups):
                columns = parquet.read_row_group(group, columns=["id", "url", "host"]).to_pydict()
                for id, url, host in zip(*columns.values(), strict=True):
                    if (ticket := wanted.ticket(id.hex(), url, host)) is not None:
                        found[id.hex()] = ticket
    return dict(sorted(found.items()))


def begin(work: Path, asks: Asks) -> None:
    """From here on the removal is under way, whatever happens to this process."""
    if not (work / "stages").is_dir():
        raise ShortError(f"{work}: no work folder of a run (it has no stages); give --work or --run")
    note(work / PENDING, asks)


def finish(work: Path, release: Path) -> Erasure | None:
    """Erase what the pending removal asks for; None where there is none. `release` may hold reports too."""
    if not (work / PENDING).exists():
        return None
    content = LocalStore(work).read(PENDING) or b""
    asked = erase.listed_whole(str(work / PENDING), content)
    asks = [json.loads(line) for line in content.splitlines()]
    note(work / REMOVALS, asks)
    if (release / "manifest.json").exists():
        note(release / REMOVALS, asks)
    eraser = _Eraser(work, asked)
    eraser.all(release)
    (work / PENDING).unlink()
    return eraser.done


class _Eraser:
    def __init__(self, work: Path, denied: Denied) -> None:
        self.work, self.denied = work, denied
        self.store, self.done = LocalStore(work), Erasure()

    def all(self, release: Path) -> None:
        shutil.rmtree(self.work / "scratch", ignore_errors=True)  # no run is under way, so nothing in it is of use
        self._reports(release)  # first: what is quoted can be told only as long as the text is there
        places: dict[str, list[int]] = {}
        for marker in _markers(self.work, "extract"):
            if found := self._documents(marker):
                places[marker.outputs[MAIN]["sha256"]] = found
        self._edits(places)
        self._summaries()
        self._quarantine()
        for key in WHOLE:
            for marker in _markers(self.work, key):
                if any(self._holds(self.work / output["path"]) for output in marker.outputs.values()):
                    self._restate(marker, None, [output["path"] for output in marker.outputs.values()])
                    self.done.deleted += 1
        self._orphans()

    def _reports(self, release: Path) -> None:
        quoted = Quoted()
        for marker in _markers(self.work, "extract"):
            with open_checked(str(self.work / marker.outputs[MAIN]["path"])) as parquet:
                for group in range(parquet.num_row_groups):
                    asked = parquet.read_row_group(group, columns=list(erase.ASKED)).to_pydict()
                    rows = [
                        row
                        for row, (id, url, host, reason) in enumerate(zip(*asked.values(), strict=True))
                        if reason != ERASED and self.denied.ticket(id.hex(), url, host) is not None
                    ]
                    if rows:
                        table = parquet.read_row_group(group, columns=["text", "title", "url"]).take(rows)
                        for each in table.to_pylist():
                            quoted.add(each["text"], each["title"], each["url"])
        if not quoted.nothing:
            self.done.reports = sum([quoted.strike(file) for file in [*reports(self.work), *beside(release)]])

    def _documents(self, marker: Committed) -> list[int]:
        """Erase from one output of `extract`. Returns the numbers of all its erased rows."""
        with self.store.scratch() as scratch:
            file = self.work / marker.outputs[MAIN]["path"]
            found = erase.documents(file, scratch / MAIN, self.denied)
            if found.rows:
                outputs = {MAIN: self._put(marker, MAIN, scratch / MAIN, found.rows)}
                if "templates" in marker.outputs:
                    table = self.work / marker.outputs["templates"]["path"]
                    if erase.templates(table, scratch / "templates", found.titles):
                        outputs["templates"] = self._put(marker, "templates", scratch / "templates", found.rows)
                self._restate(marker, {"outputs": {**marker.outputs, **outputs}}, _paths(marker, outputs))
                self.done.documents += found.rows
                self.done.partitions += 1
        return found.places

    def _edits(self, places: Mapping[str, list[int]]) -> None:
        """Of each partition the spans of its erased rows; a marker goes by what was extracted, which has not changed."""
        for fingerprint in _folders(self.work, "edits"):
            for sha256, rows in places.items():
                part_fp = digest([fingerprint, [[["extract", sha256]]]])
                marker = load(self.store, "edits", fingerprint, part_fp)
                if marker is None:
                    continue
                with self.store.scratch() as scratch:
                    if erase.edits(self.work / marker.outputs[MAIN]["path"], scratch / MAIN, rows):
                        outputs = {MAIN: self._put(marker, MAIN, scratch / MAIN, len(rows))}
                        self._restate(marker, {"outputs": outputs}, _paths(marker, outputs))

    def _summaries(self) -> None:
        for marker in _markers(self.work, "dedup"):
            if SUMMARY in marker.outputs:
                with self.store.scratch() as scratch:
                    file = self.work / marker.outputs[SUMMARY]["path"]
                    if n := erase.summary(file, scratch / SUMMARY, self.denied):
                        outputs = {SUMMARY: self._put(marker, SUMMARY, scratch / SUMMARY, n)}
                        self._restate(marker, {"outputs": {**marker.outputs, **outputs}}, _paths(marker, outputs))

    def _quarantine(self) -> None:
        for place in sorted(self.work.glob("stages/*/*/quarantine")):
            for marker in _markers(self.work, place.parent.parent.name, place.parent.name):
                if marker.quarantine is None:
                    continue
                lost = [json.loads(line) for line in (self.work / marker.quarantine["path"]).read_bytes().splitlines()]
                left = erase.quarantined(lost, self.denied)
                if left != lost:
                    with self.store.scratch() as scratch:
                        file = scratch / "quarantine.jsonl"
                        file.write_bytes(b"".join(canonical(row) + b"\n" for row in left))
                        told = erase.said(marker.quarantine, file, sum(a != b for a, b in zip(left, lost, strict=True)))
                        told["path"] = self._name(marker, "quarantine", "", told, "jsonl")
                        self.store.put(file, told["path"])
                    self._restate(marker, {"quarantine": told}, [marker.quarantine["path"]])

    def _put(self, marker: Committed, name: str, file: Path, rows: int) -> dict[str, Any]:
        told = erase.said(marker.outputs[name], file, rows)
        told["path"] = self._name(marker, "data", "" if name == MAIN else f"-{name}", told, "parquet")
        self.store.put(file, told["path"])
        return told

    def _name(self, marker: Committed, kind: str, label: str, told: Mapping[str, Any], suffix: str) -> str:
        base, sha256 = folder(marker.stage, marker.stage_fp), told["erased"]["sha256"]
        return f"{base}/{kind}/{marker.part_fp}{label}-{sha256[:16]}.{suffix}"

    def _restate(self, marker: Committed, changed: Mapping[str, Any] | None, gone: Sequence[str]) -> None:
        """Put another marker in the place of this one, or none, and delete the files that only this one spoke of.

        The consolidated markers of finished sets go before and come back after, so that they never tell of what is gone.
        """
        base = self.work / folder(marker.stage, marker.stage_fp)
        found: dict[Path, list[dict[str, Any]]] = {}
        for file in sorted(base.glob("STAGE-*.json")):
            with contextlib.suppress(*DAMAGE):  # a damaged one goes too, for it may tell of what goes
                each = list(sets.markers(file.name, file.read_bytes()))
                if not any(m["part_fp"] == marker.part_fp for m in each):
                    continue
                found[file] = each
            file.unlink()
        place = base / "commit" / f"{marker.part_fp}.json"
        if changed is None:
            place.unlink()
        else:
            new = {**marker.to_json(), **changed}
            write(place, seal(canonical(new)))
            for file, each in found.items():
                now = [new if m["part_fp"] == marker.part_fp else m for m in each]
                write(file, sets.packed(file.name, map(canonical, now)))
        for name in gone:
            (self.work / name).unlink(missing_ok=True)

    def _holds(self, file: Path) -> bool:
        """Whether an output of `write` or `shards` has a row that is denied."""
        if not file.exists():
            return False
        with open_checked(str(file)) as parquet:
            for group in range(parquet.num_row_groups):
                columns = parquet.read_row_group(group, columns=["id", "url", "host"]).to_pydict()
                if any(self.denied.ticket(*row) is not None for row in zip(*columns.values(), strict=True)):
                    return True
        return False

    def _orphans(self) -> None:
        """Files of texts that no marker speaks of: of killed tasks, and of a removal that was killed."""
        for place in sorted(self.work.glob("stages/*/*")):
            key, fingerprint = place.parent.name, place.name
            found = [*place.glob("quarantine/*"), *(place.glob("data/*") if key in TEXTS else ())]
            if found:
                known = {name for marker in _markers(self.work, key, fingerprint) for name in _all_paths(marker)}
                for file in found:
                    if str(file.relative_to(self.work)) not in known:
                        file.unlink()


def _folders(work: Path, key: str) -> list[str]:
    """Fingerprints of a stage that have been run here."""
    return sorted(place.name for place in work.glob(f"stages/{key}/*"))


def _markers(work: Path, key: str, fingerprint: str = "*") -> Iterator[Committed]:
    store = LocalStore(work)
    for place in sorted(work.glob(f"stages/{key}/{fingerprint}/commit/[0-9a-f]*.json")):
        marker = load(store, key, place.parent.parent.name, place.stem)
        if marker is not None and all((work / output["path"]).exists() for output in marker.outputs.values()):
            yield marker


def _paths(marker: Committed, changed: Mapping[str, Any]) -> list[str]:
    """Where the outputs that have changed lay before."""
    return [marker.outputs[name]["path"] for name in changed if marker.outputs[name]["path"] != changed[name]["path"]]


def _all_paths(marker: Committed) -> list[str]:
    return [
        output["path"] for output in (*marker.outputs.values(), *([marker.quarantine] if marker.quarantine else []))
    ]
