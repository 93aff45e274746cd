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
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import version as distribution_version
from pathlib import Path
from typing import Any

from pipeline.commit import sets
from pipeline.commit.output import Output
from pipeline.errors import ShortError
from pipeline.store.sealed import seal, unseal
from pipeline.store.store import Store
from stages.base import Rows, Stage
from stages.parquet import WRITER

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


def load_set(store: Store, key: str, stage_fp: str, part_fps: Sequence[str]) -> tuple[str, Iterable[Committed]]:
    """The markers that exist among `part_fps`, made as they are asked for, and the one file that they all stand in ('' where
    there is none)."""
    name = set_name(key, stage_fp, part_fps)
    content = store.read(name)
    if content is not None:
        with contextlib.suppress(*DAMAGE):  # the markers themselves tell the same
            return name, map(Committed.from_json, sets.markers(name, content))
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
