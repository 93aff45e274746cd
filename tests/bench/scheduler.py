"""The driver of a large run, played: 100,000 partitions over 50 x 32 simulated workers.

    python -m tests.bench.scheduler [partitions] [folder]

First a run from nothing, whose durations are those of a WARC file on real workers (drawn with their spread) and pass on
a clock of their own; then the start of the same run with everything committed, from the consolidated markers on disk,
with a real file for each of the outputs. Prints what the driver costs: CPU seconds a partition (which other work on the machine does not inflate), memory, the start.
Each is a process of its own, so that the memory of the one is not that of the other. The folder holds some two million
empty files meanwhile.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pipeline.engine.progress import Reporter
from pipeline.engine.run import run
from pipeline.store.folder import LocalStore
from pipeline.tasks.machine import peak_memory
from pipeline.tasks.task import Unit
from tests.simulation import Simulated, simulated_plan

NODES, CPUS = 50, 32
LIMITS = {"memory": 1 << 30, "a partition": 2e-3, "start": 60.0}  # bytes, seconds, seconds


def duration(unit: Unit) -> float:
    """Seconds on a worker: 40 a GB, a spread of a fifth, and one straggler in a hundred."""
    pick = random.Random(unit.label)
    return unit.weight / 25e6 * pick.lognormvariate(0, 0.2) * (5 if pick.random() < 0.01 else 1)


def one(partitions: int, place: Path) -> None:
    plan = simulated_plan(place, partitions)
    store = LocalStore(place / "work")
    before = peak_memory()
    executor = Simulated(store, NODES * CPUS, duration, remembered=0)
    began = time.process_time()
    with Reporter(store.root) as reporter:
        outcome = run(plan, store, executor, reporter)
    seconds = time.process_time() - began - executor.played
    told = ", ".join(f"{phase.name} {phase.looked:.1f} + {phase.seconds(0):.1f}" for phase in reporter.standing.phases)
    print(
        f"{outcome.ran:,} units ran, {outcome.of('extract').markers:,} partitions, in flight at most "
        f"{executor.most_in_flight:,}; {executor.now() / 3600:.1f} h of cluster time\n"
        f"driver: {seconds:.1f} CPU s, {seconds / partitions * 1e3:.2f} ms a partition\n"
        f"seconds on the clock to look up + to run, the workers' side ({executor.played:.1f} CPU s in all) included: {told}\n"
        f"sent {executor.bytes_sent / 1e6:,.0f} MB, answered {executor.bytes_answered / 1e6:,.0f} MB\n"
        f"memory: {peak_memory() / 2**30:.2f} GiB at most, {before / 2**30:.2f} GiB before it began"
    )


def main() -> None:
    partitions = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    if len(sys.argv) > 3:
        one(partitions, Path(sys.argv[2]))
        return
    place = Path(tempfile.mkdtemp(prefix="seimai-", dir=sys.argv[2] if len(sys.argv) > 2 else None))
    try:
        for what in ("from nothing", "everything committed"):
            print(f"== {partitions:,} partitions, {what}", flush=True)
            subprocess.run(
                [sys.executable, "-m", "tests.bench.scheduler", str(partitions), str(place), "one"],
                check=True,
                env={**os.environ, "CI": "1"},
            )
    finally:
        shutil.rmtree(place)
    print("the bounds: " + ", ".join(f"{name} {bound:g}" for name, bound in LIMITS.items()))


if __name__ == "__main__":
    main()
