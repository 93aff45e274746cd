"""A cluster that is played: units "run" on simulated workers by a clock of its own, and answer with made markers.

Everything on the driver's side is real: the phases, the survey, the loop, the markers' way over a wire (pickled, as Ray
does), the consolidated files. Only `Stage.run` is not: a unit's markers follow from the digest of its inputs.
"""

from __future__ import annotations

import hashlib
import heapq
import io
import os
import pickle
import random
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipeline.commit.commit import Committed, canonical, folder
from pipeline.engine.plan import Plan
from pipeline.recipe.recipe import load
from pipeline.store.folder import LocalStore
from pipeline.tasks.executor import Executor, Finished, Handle
from pipeline.tasks.task import PartRef, Result, Unit, part_fingerprint
from stages.base import MAIN, SourceFile, Stage
from stages.dedup.summary import SCHEMA, SUMMARY

LARGE = 1 << 20  # bytes of a unit whose worker is played by a process of its own
RECIPE = """
name = "simulated"
[[source]]
name = "crawl"
kind = "warc"
files = ["none.warc.gz"]
[output]
work = "work"
release = "release"
"""
# What stages count, so that sums have something to sum.
COUNTERS: Mapping[str, Mapping[str, int]] = {
    "extract": {"records": 300, "rows": 100, "passed.not-japanese": 200},
    "tokens": {"characters": 90_000, "tokens": 60_000},
    "judge": {"documents": 100, "kept": 60, "kept.characters": 70_000, "kept.tokens": 45_000},
    "verdict": {"documents": 100, "kept": 60, "kept.characters": 70_000, "kept.tokens": 45_000},
    "minhash": {"participants": 60, "signed": 60},
    "dedup": {
        "participants": 6_000_000,
        "components": 900_000,
        "largest_component": 40,
        "dropped.exact": 1,
        "dropped.near": 1,
    },
    "write": {"documents": 100, "kept": 60, "unique": 50, "written": 50, "written.bytes.train": 4_000_000},
}
REASONS: Mapping[str, Mapping[str, int]] = {
    stage: {"JA101": 20, "JA205": 10, "JA301": 5, "JA204": 5} for stage in ("judge", "verdict")
}


def simulated_plan(place: Path, partitions: int) -> Plan:
    """The default recipe over so many WARC files of a crawl that nobody will fetch, of all sizes."""
    (place / "none.warc.gz").write_bytes(b"none")
    (place / "recipe.toml").write_text(RECIPE)
    sizes = random.Random(7)
    parts = tuple(
        PartRef(
            hashlib.sha256(str(n).encode()).hexdigest()[:24],
            "crawl",
            0,
            SourceFile(f"/crawl/{n:05d}.warc.gz", f"{n:064x}", sizes.randrange(600 << 20, 1200 << 20)),
            {},
        )
        for n in range(partitions)
    )
    return Plan(load(place / "recipe.toml"), parts)


class Simulated(Executor):
    """So many workers, on which a unit takes `seconds(unit)` by a clock that stands still while the driver works.

    `noted`: folder -> output -> bytes, filled instead of making (empty) files. `fault`: what an attempt (the unit, how often it ran before) fails with, or None.
    `remembered`: so many labels of units that began; None for all.
    """

    def __init__(
        self,
        store: LocalStore,
        workers: int,
        seconds: Callable[[Unit], float] = lambda unit: 30 + unit.weight / 10e6,
        fault: Callable[[Unit, int], BaseException | None] = lambda unit, ran: None,
        noted: dict[str, dict[str, int]] | None = None,
        remembered: int | None = None,
    ) -> None:
        super().__init__()
        self._store, self._workers, self._seconds, self._fault, self._noted = store, workers, seconds, fault, noted
        self._clock = 0.0
        self._running: list[tuple[float, Handle, bytes]] = []
        self._attempts: dict[str, int] = {}  # of those that have failed so far
        self.most_in_flight = 0
        self.begun: deque[str] = deque(maxlen=remembered)  # labels in the order in which units began
        self.bytes_sent = self.bytes_answered = 0
        self.played = 0.0  # CPU seconds of the workers' side of this, which is not the driver's

    @property
    def workers(self) -> int:
        return self._workers

    def now(self) -> float:
        return self._clock

    def pause(self, seconds: float) -> None:
        self._clock += seconds

    def _fill(self) -> None:
        self.most_in_flight = max(self.most_in_flight, len(self._queue) + len(self._running))
        while self._queue and len(self._running) < self._workers:
            handle, unit = self._queue.popleft()
            sent = pickle.dumps(unit)
            self.bytes_sent += len(sent)
            self.begun.append(unit.label)
            heapq.heappush(self._running, (self._clock + self._seconds(unit), handle, sent))

    def wait(self, timeout: float) -> list[Finished]:
        if not self._running:
            return []
        if self._running[0][0] > self._clock + timeout:
            self._clock += timeout
            return []
        ended = []
        self._clock = max(self._clock, self._running[0][0])
        while self._running and self._running[0][0] <= self._clock:
            _, handle, sent = heapq.heappop(self._running)
            ended.append(self._end(handle, sent))
        self._fill()
        return ended

    def _end(self, handle: Handle, sent: bytes) -> Finished:
        if len(sent) > LARGE and self._noted is None:
            answer = _in_child(lambda: self._worker(sent))
        else:
            began = time.process_time()
            answer = self._worker(sent)
            self.played += time.process_time() - began
        self.bytes_answered += len(answer)
        result = pickle.loads(answer)
        return Finished(handle, *((result, None) if isinstance(result, Result) else (None, result)))

    def _worker(self, sent: bytes) -> bytes:
        """What comes back over the wire for a unit that went out over it: a result or an error."""
        unit = pickle.loads(sent)
        ran = self._attempts.pop(unit.label, 0)
        fault = self._fault(unit, ran)
        if fault is not None:
            self._attempts[unit.label] = ran + 1
        return pickle.dumps(fault or self._answer(unit))

    def close(self) -> None:
        self._running.clear()

    def _answer(self, unit: Unit) -> Result:
        parts, markers = unit.parts, []
        for stage, stage_fp in zip(unit.stages, unit.fingerprints, strict=True):
            part_fp = part_fingerprint(stage, stage_fp, parts)
            assert part_fp is not None
            marker = made(stage, stage_fp, part_fp, parts)
            markers.append(marker)
            self._commit(marker, stage.barrier)
            if MAIN in marker.outputs and len(parts) == 1:
                parts = (parts[0].add(stage.key, marker.outputs[MAIN]),)
        return Result(tuple(markers), tuple(marker.stage for marker in markers), 1.0, 600 << 20)

    def _commit(self, marker: Committed, barrier: bool) -> None:
        """The files of it (empty, but for the summary of dedup). The marker of a partition is only in the consolidated file."""
        for name, output in marker.outputs.items():
            file = self._store.root / output["path"]
            if self._noted is not None:
                self._noted.setdefault(output["path"].rpartition("/")[0], {})[output["path"]] = output["bytes"]
            if self._noted is None or name == SUMMARY:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(NO_SUMMARY if name == SUMMARY else b"")
        if barrier:
            file = self._store.root / folder(marker.stage, marker.stage_fp) / "commit" / f"{marker.part_fp}.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(canonical(marker.to_json()))


def _in_child(work: Callable[[], bytes]) -> bytes:
    """Done in a process of its own, so that the memory of a worker does not count as the driver's."""
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        with open(write, "wb") as pipe:
            pipe.write(work())
        os._exit(0)
    os.close(write)
    with open(read, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return answer


def made(stage: Stage, stage_fp: str, part_fp: str, parts: tuple[PartRef, ...]) -> Committed:
    """A marker as `stage` would write it: outputs, counters and reasons of the size that real ones have."""
    names = [part.id for part in parts if part.source] if stage.key in ("dedup", "line-masks", "host-cap") else [MAIN]
    if stage.key == "dedup":
        names.append(SUMMARY)
    outputs = {name: _output(stage.key, stage_fp, part_fp, name) for name in names}
    counters = dict(COUNTERS.get(stage.key, {"rows": 100}))
    return Committed(stage.key, stage_fp, part_fp, outputs, None, counters, dict(REASONS.get(stage.key, {})))


def _output(key: str, stage_fp: str, part_fp: str, name: str) -> dict[str, Any]:
    sha256 = (part_fp[::-1] + part_fp + stage_fp)[:64]
    if name != MAIN:
        sha256 = (name + part_fp[::-1] + part_fp)[:64]
    label = "" if name == MAIN else f"-{name}"
    path = f"{folder(key, stage_fp)}/data/{part_fp}{label}-{sha256[:16]}.parquet"
    if name == SUMMARY:
        return {"path": path, "sha256": sha256, "bytes": len(NO_SUMMARY), "rows": 0}
    return {"path": path, "sha256": sha256, "bytes": 0, "rows": 100}


def _no_summary() -> bytes:
    sink = io.BytesIO()
    pq.write_table(SCHEMA.empty_table(), sink)
    return sink.getvalue()


NO_SUMMARY = _no_summary()
