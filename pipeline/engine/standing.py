"""How a run stands, in numbers: one small object that the live view, the log, the metrics and `progress.json` all read."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.tasks.machine import held_memory
from pipeline.tasks.task import Result, Unit
from stages.base import MAIN


@dataclass
class Phase:
    """One phase of a run. Weights are bytes of input; a unit without any counts as one byte."""

    name: str
    began: float  # by the clock of the standing
    units: int = 0
    done: int = 0  # committed: by earlier runs and by this one
    failed: int = 0  # given up
    ran: int = 0  # done by this run
    documents: int = 0  # rows in the first output of each unit that this run has done
    weight_done: int = 0  # by this run
    weight_left: int = 0
    looked: float = 0.0  # seconds that it took to look up what is committed
    ended: float | None = None

    def seconds(self, now: float) -> float:
        return (now if self.ended is None else self.ended) - self.began

    def rate(self, now: float) -> float:
        """Documents a second, of this run in this phase."""
        seconds = self.seconds(now)
        return self.documents / seconds if seconds > 0 else 0.0

    def left(self, now: float) -> float | None:
        """Seconds until the phase is done if it goes on as until now; None while nothing has finished."""
        if not self.weight_left:
            return 0.0
        return self.seconds(now) * self.weight_left / self.weight_done if self.weight_done else None


@dataclass
class Standing:
    """All phases so far, the last of which is going on. `documents` and `tokens` are sums over markers alone."""

    clock: Callable[[], float] = time.monotonic
    phases: list[Phase] = field(default_factory=list)
    running: int = 0
    attempts_failed: int = 0
    documents: int = 0  # extracted, of all that is committed
    tokens: int = 0
    worker_memory: int = 0  # bytes, the most that any worker has held
    began: float = 0.0

    def __post_init__(self) -> None:
        self.began = self.clock()

    @property
    def phase(self) -> Phase | None:
        return self.phases[-1] if self.phases else None

    def looking(self, name: str) -> None:
        self.end()
        self.phases.append(Phase(name, self.clock()))

    def begin(self, units: int, committed: int, left: Sequence[Unit]) -> None:
        """The phase that was being looked up begins to run, and its clock anew."""
        phase = self.phases[-1]
        phase.looked = self.clock() - phase.began
        phase.began, phase.units, phase.done = self.clock(), units, committed
        phase.weight_left = sum(max(unit.weight, 1) for unit in left)

    def finished(self, unit: Unit, result: Result) -> None:
        phase, first = self.phases[-1], result.markers[0]
        phase.done += 1
        phase.ran += 1
        phase.documents += first.outputs[MAIN]["rows"] if MAIN in first.outputs else 0
        self.running = min(self.running, phase.units - phase.done - phase.failed)
        self._settle(phase, unit)
        phase.weight_done += max(unit.weight, 1)
        self.worker_memory = max(self.worker_memory, result.peak)

    def failed(self, unit: Unit, final: bool) -> None:
        self.attempts_failed += 1
        if final:
            self.phases[-1].failed += 1
            self._settle(self.phases[-1], unit)

    def end(self) -> None:
        self.running = 0
        if self.phases and self.phases[-1].ended is None:
            self.phases[-1].ended = self.clock()

    @staticmethod
    def _settle(phase: Phase, unit: Unit) -> None:
        phase.weight_left = max(0, phase.weight_left - max(unit.weight, 1))

    def numbers(self) -> dict[str, float]:
        """What goes to metrics, by name. `eta_seconds` is -1 while it cannot be told."""
        phase, now = self.phase, self.clock()
        left = None if phase is None else phase.left(now)
        return {
            "partitions_total": 0 if phase is None else phase.units,
            "partitions_done": 0 if phase is None else phase.done,
            "partitions_running": self.running,
            "partitions_failed": sum(each.failed for each in self.phases),
            "attempts_failed": self.attempts_failed,
            "documents": self.documents,
            "tokens": self.tokens,
            "documents_per_second": 0.0 if phase is None else round(phase.rate(now), 1),
            "eta_seconds": -1.0 if left is None else round(left, 1),
            "driver_memory_bytes": held_memory(),
            "worker_memory_bytes": self.worker_memory,
        }

    def to_json(self) -> dict[str, Any]:
        now = self.clock()
        phases = [
            {
                "name": phase.name,
                "partitions": phase.units,
                "done": phase.done,
                "failed": phase.failed,
                "ran": phase.ran,
                "looked_up_seconds": round(phase.looked, 1),
                "seconds": round(phase.seconds(now), 1),
            }
            for phase in self.phases
        ]
        return {**self.numbers(), "seconds": round(now - self.began, 1), "phases": phases}

    def line(self) -> str:
        """One line of a log."""
        phase, now = self.phase, self.clock()
        if phase is None:
            return "nothing yet"
        said = [f"{phase.done:,}/{phase.units:,} done", f"{self.running} running"]
        if phase.failed:
            said.append(f"{phase.failed} failed")
        if phase.ran:
            said.append(f"{phase.rate(now):,.0f} documents/s")
        said.append(f"{self.documents:,} documents and {self.tokens:,} tokens so far")
        if phase.done + phase.failed < phase.units:
            left = phase.left(now)
            said.append(f"{'?' if left is None else told(left)} left")
        said.append(self.memory())
        return f"{phase.name}: {', '.join(said)}"

    def memory(self) -> str:
        worker = f", worker {self.worker_memory / 1e9:.1f}" if self.worker_memory else ""
        return f"memory: driver {held_memory() / 1e9:.1f}{worker} GB"


def told(seconds: float) -> str:
    """3 s, 4 min, 2 h 05 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
