"""Where a stage writes: drafts in scratch, put under content-addressed names, and the marker last."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.commit import erase
from pipeline.commit.commit import Committed, canonical, folder, intact, load, stage_spec
from pipeline.commit.output import NAME_DIGITS
from pipeline.errors import ShortError
from pipeline.store.store import Store
from stages.base import MAIN, Inputs, Stage
from stages.digest import digest_of
from stages.parquet import Writer
from stages.release.left_out import REMOVALS


@dataclass
class CommitSink:
    """Collects what a stage writes in scratch; `commit` makes it count, all of it or nothing."""

    store: Store
    stage: Stage
    stage_fp: str
    part_fp: str
    scratch: Path
    further: pa.Schema | None = None
    counters: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    _writers: dict[str, Writer] = field(default_factory=dict)
    _lost: list[dict[str, str]] = field(default_factory=list)

    def open(self, inputs: Inputs) -> None:
        """Open the declared outputs, so that each exists even when it gets no row."""
        self.further = self.stage.further
        for name, schema in self.stage.outputs(inputs).items():
            self._writers[name] = Writer(self._file(name), schema, self.stage.group_rows)

    def write(self, table: pa.Table, to: str = "rows", *, cut: bool = False) -> None:
        if to not in self._writers:
            if self.further is None:
                raise AssertionError(f"{self.stage.key} writes the output {to!r}, which it does not declare")
            self._writers[to] = Writer(self._file(to), self.further, self.stage.group_rows)
        self._writers[to].write(table, cut=cut)

    def count(self, counter: str, n: int = 1) -> None:
        self.counters[counter] += int(n)

    def reason(self, code: str, n: int = 1) -> None:
        self.reasons[code] += int(n)

    def quarantine(self, *, id: str, url: str, where: str, error: str) -> None:
        self._lost.append({"id": id, "url": url, "where": where[:500], "error": " ".join(error.split())[:2000]})

    def commit(self) -> Committed:
        """Hash, put under content-addressed names, and create the marker last."""
        outputs: dict[str, dict[str, Any]] = {}
        for writer in self._writers.values():
            writer.close()
        erased = self._erase() if self.stage.key == "extract" else {}
        for name, writer in sorted(self._writers.items()):
            outputs[name] = self._put(self._file(name), "data", "" if name == MAIN else f"-{name}", "parquet")
            outputs[name]["rows"] = writer.rows_written
            outputs[name] |= erased.get(name, {})
        marker = Committed(
            stage=self.stage.key,
            stage_fp=self.stage_fp,
            part_fp=self.part_fp,
            outputs=outputs,
            quarantine=self._put_quarantine(),
            counters=dict(sorted(self.counters.items())),
            reasons=dict(sorted(self.reasons.items())),
        )
        check_conservation(marker)
        base = folder(self.stage.key, self.stage_fp)
        self.store.create(f"{base}/spec.json", canonical(stage_spec(self.stage)))
        if self.store.create(f"{base}/commit/{self.part_fp}.json", marker.sealed()):
            return marker
        earlier = load(self.store, self.stage.key, self.stage_fp, self.part_fp)
        if earlier is None or not intact(self.store, earlier):
            place = self.store.path(f"{base}/commit/{self.part_fp}.json")
            raise ShortError(
                f"{place}: its files are gone and did not come out the same again; delete it and run again"
            )
        return earlier  # another worker was first; its marker counts

    def _erase(self) -> dict[str, dict[str, Any]]:
        """Erase, before it is put, what was asked to be removed from this work folder: it must not come to lie there again.

        Returns what the marker says of the outputs that changed: they keep the identity of what was extracted.
        """
        content = self.store.read(REMOVALS)
        if content is None:
            return {}
        denied = erase.listed_whole(self.store.path(REMOVALS), content)
        self._lost = erase.quarantined(self._lost, denied)
        changed: dict[str, dict[str, Any]] = {}
        titles: set[str] = set()
        for name in (MAIN, "templates"):
            file, left = self._file(name), self.scratch / f"{name}.left"
            if name not in self._writers:
                continue
            if name == MAIN:
                found = erase.documents(file, left, denied)
                rows, titles = found.rows, found.titles
            else:
                rows = erase.templates(file, left, titles)
            if rows:
                identity = {"sha256": digest_of(file)}
                os.replace(left, file)
                changed[name] = erase.said(identity, file, rows)
        return changed

    def _put_quarantine(self) -> dict[str, Any] | None:
        if not self._lost:
            return None
        file = self.scratch / "quarantine.jsonl"
        file.write_bytes(b"".join(canonical(row) + b"\n" for row in self._lost))
        return {**self._put(file, "quarantine", "", "jsonl"), "rows": len(self._lost)}

    def _put(self, file: Path, kind: str, label: str, suffix: str) -> dict[str, Any]:
        sha256 = digest_of(file)
        size = file.stat().st_size
        name = f"{folder(self.stage.key, self.stage_fp)}/{kind}/{self.part_fp}{label}-{sha256[:NAME_DIGITS]}.{suffix}"
        self.store.put(file, name)
        if self.store.size(name) != size:
            raise OSError(f"{self.store.path(name)}: {self.store.size(name)} bytes stored of {size}")
        return {"path": name, "sha256": sha256, "bytes": size}

    def _file(self, name: str) -> Path:
        return self.scratch / f"{name}.parquet"


def check_conservation(marker: Committed) -> None:
    """Nothing is lost in silence: what came in is what was kept, rejected, passed by or quarantined. ShortError if not."""
    c, reasons = marker.counters, sum(marker.reasons.values())
    if marker.stage == "extract":
        passed = sum(n for name, n in c.items() if name.startswith("passed."))
        lost = marker.quarantine["rows"] if marker.quarantine else 0
        law = (c.get("records", 0), passed + marker.outputs["rows"]["rows"] + lost)
        meaning = "records read = passed by + rows + quarantined"
    elif "kept" in c:
        law = (c.get("documents", 0), c.get("kept", 0) + reasons)
        meaning = "documents in = kept + rejected"
    else:
        return
    if law[0] != law[1]:
        raise ShortError(f"{marker.stage} {marker.part_fp}: {meaning} does not hold: {law[0]} != {law[1]}")
