"""The commit protocol: fingerprints say what would be written, a marker says that it was.

    stages/<key>/<stage_fp>/
       spec.json                              canonical JSON that hashes to stage_fp
       data/<part_fp>[-<name>]-<sha16>.parquet   content-addressed, immutable
       quarantine/<part_fp>-<sha16>.jsonl
       commit/<part_fp>.json                  written last, create-only: without it nothing counts
       STAGE-<set_fp>.json                    the markers of a finished set in one file: a warm plan reads one

Markers are sealed (`sealed`): one that is not what was written is an error, and a consolidated file that is not is read past.
A marker holds no time and no host. Counters of a run are sums over the markers of its plan, so a retry never counts
twice.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.metadata import version as distribution_version
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.commit import erase
from pipeline.commit.output import NAME_DIGITS, Output
from pipeline.errors import ShortError
from pipeline.store.sealed import seal, unseal
from pipeline.store.store import Store
from stages.base import MAIN, Inputs, Rows, Stage
from stages.digest import digest_of
from stages.parquet import WRITER, Writer
from stages.release.left_out import REMOVALS

FINGERPRINT_DIGITS = 24  # 96 bits
DAMAGE = (ValueError, KeyError, TypeError, RecursionError)  # what reading a file of markers may raise that is none
_REQUESTS = 16  # markers asked for at once where each is a round trip
_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical(value: Any) -> bytes:
    """The one JSON text of a value: sorted keys, no blanks, UTF-8. NaN is refused."""
    return _JSON.encode(value).encode()


def digest(value: Any) -> str:
    return hashlib.sha256(canonical(value)).hexdigest()[:FINGERPRINT_DIGITS]


@lru_cache(maxsize=256)
def _version(distribution: str) -> str:
    return distribution_version(distribution)


def stage_spec(stage: Stage) -> dict[str, Any]:
    """All that decides what this stage writes for given inputs."""
    return {
        "stage": stage.key,
        "version": stage.version,
        "params": stage.params(),
        "resources": stage.resources(),
        "libraries": {name: _version(name) for name in ("pyarrow", *stage.libraries)},
        "writer": {**WRITER, "rows": stage.group_rows},
    }


def stage_fingerprint(stage: Stage) -> str:
    return digest(stage_spec(stage))


@dataclass(frozen=True, slots=True)
class Committed:
    """A marker: what one stage wrote for one set of inputs."""

    stage: str
    stage_fp: str
    part_fp: str
    outputs: Mapping[str, Mapping[str, Any]]  # name -> {path, sha256, bytes, rows}
    quarantine: Mapping[str, Any] | None  # {path, sha256, rows}
    counters: Mapping[str, int]
    reasons: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    def sealed(self) -> bytes:
        """The content of its file."""
        return seal(canonical(self.to_json()))

    @classmethod
    def unseal(cls, content: bytes) -> Committed:
        """From the content of its file. DAMAGE where it is not what was written."""
        value = json.loads(content)
        # A marker of before there were seals has no member but its own.
        return cls.from_json(value if isinstance(value, dict) and value.keys() == {*cls.__slots__} else unseal(content))

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Committed:
        return cls(
            value["stage"],
            value["stage_fp"],
            value["part_fp"],
            value["outputs"],
            value["quarantine"],
            value["counters"],
            value["reasons"],
        )

    def slim(self) -> Committed:
        """For a driver that keeps it: one of a barrier has an output for every partition."""
        return replace(self, outputs={name: Output.of(output) for name, output in self.outputs.items()})

    def rows(self, store: Store, output: str) -> Rows:
        found = self.outputs[output]
        return Rows(store.path(found["path"]), found["sha256"], found["rows"])


def folder(key: str, stage_fp: str) -> str:
    return f"stages/{key}/{stage_fp}"


def load(store: Store, key: str, stage_fp: str, part_fp: str) -> Committed | None:
    name = f"{folder(key, stage_fp)}/commit/{part_fp}.json"
    content = store.read(name)
    if content is None:
        return None
    with contextlib.suppress(*DAMAGE):
        marker = Committed.unseal(content)
        if (marker.stage, marker.stage_fp, marker.part_fp) == (key, stage_fp, part_fp):
            return marker
    raise ShortError(f"{store.path(name)}: damaged; delete it and run again")


def load_set(store: Store, key: str, stage_fp: str, part_fps: Sequence[str]) -> tuple[str, Sequence[Committed]]:
    """The markers that exist among `part_fps`, and the one file that they all stand in ('' where there is none)."""
    name = set_name(key, stage_fp, part_fps)
    content = store.read(name)
    if content is not None:
        with contextlib.suppress(*DAMAGE):  # the markers themselves tell the same
            found = [Committed.from_json(marker) for marker in unseal(content)["markers"]]
            if {marker.part_fp for marker in found} == {*part_fps}:
                return name, found
    existing = {name.rsplit("/", 1)[1] for name in store.list(f"{folder(key, stage_fp)}/commit")}
    wanted = [fp for fp in part_fps if f"{fp}.json" in existing]

    def look(fp: str) -> Committed | None:
        return load(store, key, stage_fp, fp)

    if isinstance(store.place, Path):
        loaded = list(map(look, wanted))
    else:
        with ThreadPoolExecutor(_REQUESTS) as pool:
            loaded = list(pool.map(look, wanted))
    return "", [marker for marker in loaded if marker is not None]


def intact(store: Store, marker: Committed) -> bool:
    """A marker whose files were deleted by hand no longer counts."""
    return all(store.size(output["path"]) == output["bytes"] for output in marker.outputs.values())


def sizes(store: Store, key: str, stage_fp: str) -> dict[str, int]:
    """Bytes of all files that a stage has put, by name: one listing for `whole` instead of a question a file."""
    return {entry.name: entry.bytes for entry in store.entries(f"{folder(key, stage_fp)}/data")}


def whole(marker: Committed, sizes: Mapping[str, int]) -> bool:
    """`intact`, by a listing."""
    return all(sizes.get(output["path"]) == output["bytes"] for output in marker.outputs.values())


def set_name(key: str, stage_fp: str, part_fps: Iterable[str]) -> str:
    return f"{folder(key, stage_fp)}/STAGE-{digest(sorted(set(part_fps)))}.json"


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
