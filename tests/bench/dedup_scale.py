"""Bands -> components -> keepers over N made documents with known duplicates: seconds, memory, disk, and the right answer.

    python -m tests.bench.dedup_scale [documents] [folder]

Signatures are made as they are read (`dedup_world`); from there on everything is the real thing: stage `bands` over groups
of partitions, each committed by a rename, then stage `dedup` over all. Both are killed once on the way (SIGKILL) and
started again. The sidecars are then compared with what the world is known to hold, document by document. The folder is
removed at the end. 50 million documents take some 10 GB of it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

import stages.dedup.blocks
import stages.dedup.dedup
from stages.base import Inputs, Part
from stages.dedup.bands import DOCUMENTS, Bands
from stages.dedup.dedup import Dedup
from stages.parquet import Rows
from tests.bench.dedup_cost import model, reading
from tests.bench.dedup_expected import check
from tests.bench.dedup_world import PART, Made, World
from tests.dedup_corpus import FileSink

RUN = 20  # partitions of a band run: a million documents
FIXED, EACH, DISK = 2 << 30, 16, 400  # bytes: of memory, of memory a document, of disk a document


class Clocks:
    """Seconds of parts of `Dedup.run`, without those in which documents were made."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}

    def around(self, owner: Any, name: str, called: str) -> None:
        inner: Callable[..., Any] = getattr(owner, name)

        def timed(*args: Any, **kwargs: Any) -> Any:
            began, made = time.perf_counter(), Made.seconds["made"]
            result = inner(*args, **kwargs)
            taken = time.perf_counter() - began - (Made.seconds["made"] - made)
            self.spent[called] = self.spent.get(called, 0.0) + taken
            return result

        setattr(owner, name, timed)


def peak() -> int:
    """The most memory this process has had, in bytes."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) << 10


def committed(stage: Bands | Dedup, inputs: Inputs, folder: Path) -> dict[str, int]:
    """Runs a stage into a folder that has its name only when it is complete."""
    scratch = folder.with_name(folder.name + ".tmp")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    sink = FileSink(stage, inputs, scratch)
    stage.run(inputs, sink)
    sink.close()
    scratch.rename(folder)
    return sink.counters


def child_bands(size: int, folder: Path) -> dict[str, Any]:
    parts, began, made = World(size).parts(), time.perf_counter(), 0
    for number, first in enumerate(range(0, len(parts), RUN)):
        if not (folder / f"run{number}").exists():
            group = parts[first : first + RUN]
            made += sum(part.rows["minhash"].rows for part in group)
            committed(Bands(), Inputs(parts=tuple(group)), folder / f"run{number}")
    seconds = time.perf_counter() - began - Made.seconds["made"]
    return {"seconds": {"bands": seconds * size / max(made, 1)}, "peak": peak()}


def child_dedup(size: int, folder: Path) -> dict[str, Any]:
    runs = []
    for path in sorted(folder.glob("run*/bands-rows.parquet")):
        with pq.ParquetFile(path) as file:
            rows = Rows(str(path), "", file.metadata.num_rows)
        runs.append(Part(path.parent.name, "", 0, {"bands": rows}))
    clocks = Clocks()
    clocks.around(stages.dedup.dedup, "enrol", "who takes part")
    clocks.around(stages.dedup.blocks, "components", "components")
    clocks.around(stages.dedup.blocks.Blocks, "_read", "suspected, put aside")
    clocks.around(Dedup, "_settle", "keepers")
    clocks.around(stages.dedup.dedup, "_table", "sidecars")
    inputs = Inputs(parts=(*World(size).parts(), *runs))
    began = time.perf_counter()
    counters = committed(Dedup(), inputs, folder / "dedup")
    clocks.spent["all of dedup"] = time.perf_counter() - began - Made.seconds["made"]
    return {"seconds": clocks.spent, "peak": peak(), "counters": counters}


def child(what: str, size: int, folder: Path, kill_after: Callable[[], bool] | None) -> dict[str, Any] | None:
    """Runs a child to its end, or until `kill_after` says to kill it: then None."""
    command = [sys.executable, "-m", "tests.bench.dedup_scale", f"--{what}", str(size), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        while kill_after and process.poll() is None and not kill_after():
            time.sleep(0.2)
        if kill_after and process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()
            return None
        out, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"{what} ended with {process.returncode}")
    found: dict[str, Any] = json.loads(out)
    return found


def used(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:  # moved meanwhile
            continue
    return total


class Watch(threading.Thread):
    """The most bytes that were ever in a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self.folder, self.most, self.over = folder, 0, threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.5):
            self.most = max(self.most, used(self.folder))


def main(size: int = 1_000_000, where: str = "") -> None:
    folder = Path(tempfile.mkdtemp(prefix="dedup-scale-", dir=where or None))
    watch = Watch(folder)
    watch.start()
    runs = -(-size // (PART * RUN))
    try:
        began = time.perf_counter()
        if runs > 1:
            child("bands", size, folder, lambda: len(list(folder.glob("run*/"))) > runs // 2)
        bands = child("bands", size, folder, None)
        halfway = time.perf_counter() + max(2.0, size / 1e6)
        child("dedup", size, folder, lambda: time.perf_counter() > halfway)
        dedup = child("dedup", size, folder, None)
        assert bands is not None
        assert dedup is not None
        taken = time.perf_counter() - began
        disk = {
            "keys of band runs": sum(path.stat().st_size for path in folder.glob("run*/bands-rows.parquet")),
            "ids and sketches of band runs": sum(
                path.stat().st_size for path in folder.glob(f"run*/bands-{DOCUMENTS}.parquet")
            ),
            "sidecars": used(folder / "dedup"),
        }
        watch.over.set()
        watch.join()
        seen = check(World(size), folder / "dedup")
    finally:
        watch.over.set()
        shutil.rmtree(folder)
    most = max(watch.most, sum(disk.values()))  # a small run is over between two looks
    _print(size, taken, bands, dedup, disk, most, seen)


def _print(size: int, taken: float, bands: Any, dedup: Any, disk: dict[str, int], most: int, seen: Any) -> None:
    print(f"{size:,} documents in {taken:.0f} s with two kills; {os.cpu_count()} cores")
    print(f"right in all {seen['rows']:,} rows, {seen['dropped']:,} of them dropped")
    print("counters:", ", ".join(f"{name} {value:,}" for name, value in dedup["counters"].items()))
    for name, stage in (("bands", bands), ("dedup", dedup)):
        beyond = (stage["peak"] - FIXED) / size
        print(
            f"peak memory of {name}: {stage['peak'] / 2**30:.2f} GiB, {beyond:.1f} bytes a document beyond 2 GiB "
            f"(bound {EACH}: {'kept' if beyond <= EACH else 'BROKEN'})"
        )
    print(
        f"peak disk: {most / size:.0f} bytes a document (bound {DISK}: {'kept' if most <= DISK * size else 'BROKEN'})"
    )
    for name, value in disk.items():
        print(f"  {name:32} {value / size:7.1f} bytes a document")
    seconds = {**bands["seconds"], **dedup["seconds"]}
    for name, value in seconds.items():
        print(f"  {name:32} {value:9.1f} s {value / size * 1e6:8.2f} us a document")
    model(size, seconds, sum(disk.values()) / size, dedup["counters"], reading())


if __name__ == "__main__":
    if sys.argv[1:2] in (["--bands"], ["--dedup"]):
        run = child_bands if sys.argv[1] == "--bands" else child_dedup
        print(json.dumps(run(int(sys.argv[2]), Path(sys.argv[3]))))
    else:
        main(*([int(float(sys.argv[1])), *sys.argv[2:]] if sys.argv[1:] else []))
