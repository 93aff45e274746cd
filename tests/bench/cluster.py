"""What Ray costs against plain worker processes, and what a second worker brings: medians of paired runs.

    python -m tests.bench.cluster [--pairs 3] [--seconds 30] [--tasks 2]

Overhead: `--tasks` units of `--seconds` each on two workers, in worker processes and on a local Ray, one after the
other and turned about from pair to pair, so that a busy neighbour meets both; the start of the runner is not counted.
A unit is a stage that is committed like any other and whose work is text encoded and hashed over and over, as many
rounds as take that long on one core. Scaling: the same units on one worker and on two. The bounds are 5 % and 1.7.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import hashlib
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from pipeline.commit.commit import stage_fingerprint
from pipeline.engine.runners import open_executor
from pipeline.engine.schedule import schedule
from pipeline.tasks.executor import Executor
from pipeline.tasks.task import PartRef, Result, Unit
from stages.base import MAIN, Inputs, Sink, SourceFile, Stage

SCHEMA = pa.schema([("digest", pa.binary(32))])
BLOCK = b"\xe7\xb2\xbe\xe7\xb1\xb3" * (1 << 14)


@dataclass(frozen=True)
class Grind(Stage):
    """A stage that takes its time and writes what it came to."""

    rounds: int = 1
    name: ClassVar[str] = "grind"
    version: ClassVar[int] = 1

    def outputs(self, inputs: Inputs) -> dict[str, pa.Schema]:
        return {MAIN: SCHEMA}

    def run(self, inputs: Inputs, sink: Sink) -> None:
        assert inputs.file is not None
        sink.write(pa.table({"digest": [ground(inputs.file.sha256, self.rounds)]}, SCHEMA))


def ground(seed: str, rounds: int) -> bytes:
    state = seed.encode()
    for _ in range(rounds):
        text = (BLOCK + state).decode("utf-8", "replace")
        state = hashlib.sha256(text.encode()).digest()
    return state


class Quiet:
    """Hears that nothing fails."""

    def finished(self, unit: Unit, result: Result) -> None:
        assert result.ran == ("grind",), "it was committed before: the folder is not fresh"

    def failed(self, unit: Unit, attempt: int, error: BaseException, final: bool) -> None:
        raise error

    def tick(self, running: int) -> None:
        """Nothing to say."""


def units(rounds: int, tasks: int, file: Path) -> list[Unit]:
    stage = Grind(rounds)
    told = SourceFile(str(file), "", file.stat().st_size)
    parts = [PartRef(f"{n:024x}", "s", 0, dataclasses.replace(told, sha256=f"{n:064x}"), {}) for n in range(tasks)]
    return [Unit(f"grind {part.rank} {part.id}", (stage,), (stage_fingerprint(stage),), (part,), 1) for part in parts]


def timed(runner: str, workers: int, rounds: int, tasks: int) -> float:
    """Seconds from the first unit to the last, on a runner that has started and run one unit a worker before."""
    with tempfile.TemporaryDirectory(prefix="seimai-") as place:
        file = Path(place) / "input"
        file.write_bytes(b"rice")
        with contextlib.closing(open_executor(runner, place, workers, 0)) as executor:
            through(executor, units(1, workers, file))
            began = time.perf_counter()
            through(executor, units(rounds, tasks, file))
            return time.perf_counter() - began


def through(executor: Executor, work: list[Unit]) -> None:
    failures = schedule(work, executor, Quiet(), lambda unit, result: None)
    assert not failures, failures


def pairs(what: str, one: Callable[[], float], other: Callable[[], float], count: int) -> float:
    """The median of one/other over pairs whose order is turned about."""
    ratios = []
    for n in range(count):
        first, second = (one, other) if n % 2 == 0 else (other, one)
        a, b = first(), second()
        a, b = (a, b) if n % 2 == 0 else (b, a)
        ratios.append(a / b)
        print(f"  {what}, pair {n + 1}: {a:.1f} s / {b:.1f} s = {a / b:.3f}", flush=True)
    return statistics.median(ratios)


def calibrated(seconds: float) -> int:
    """Rounds that take so long here, now."""
    rounds = 64
    while True:
        began = time.perf_counter()
        ground("0", rounds)
        if (taken := time.perf_counter() - began) > 1:
            return max(1, round(rounds * seconds / taken))
        rounds *= 2


def main(arguments: Any = None) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=30.0, help="of one unit")
    parser.add_argument("--tasks", type=int, default=2, help="units of a run; an even number keeps two workers busy")
    options = parser.parse_args(arguments)
    rounds, tasks = calibrated(options.seconds), options.tasks
    print(f"units of {options.seconds:g} s, {tasks} a run, {options.pairs} pairs each")
    overhead = pairs(
        "Ray / worker processes, two workers",
        lambda: timed("ray", 2, rounds, tasks),
        lambda: timed("local", 2, rounds, tasks),
        options.pairs,
    )
    print(f"Ray takes {overhead:.3f} of the time of worker processes (median); the bound is 1.05")
    scaling = pairs(
        "one worker / two, on Ray",
        lambda: timed("ray", 1, rounds, tasks),
        lambda: timed("ray", 2, rounds, tasks),
        options.pairs,
    )
    print(f"two workers are {scaling:.2f} times as fast as one (median); the bound is 1.7")


if __name__ == "__main__":
    main()
