"""Memory over time: a set of WARC files on two workers, the resident memory of driver and workers each second.

    python -m tests.bench.memory --pages 60000 --files 8 [--runner ray] [--maker …/make_bench.py] [--folder DIR] [--csv FILE]

The WARC files are built by the maker, or taken from DIR where they lie already. Every process below this one is sampled
and put into a class: driver, workers (with the children that parse), and what else a runner starts. Prints a plot of
each, its peak, and the slope of a line through the second half of the time (but for its end) in MB a minute; writes all samples.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import psutil

from tests.runs import ROOT

WIDTH, HEIGHT = 100, 12
MAKER = ROOT.parent / "shared" / "tools" / "make_bench.py"
RECIPE = """name = "memory"
[[source]]
name = "bench"
kind = "warc"
files = ["{folder}/*.warc.gz"]
[output]
work = "work"
release = "release"
"""


def sampled(process: subprocess.Popen[bytes]) -> list[dict[str, float]]:
    """Bytes by class of process, each second until the run ends."""
    rows: list[dict[str, float]] = []
    began, top = time.monotonic(), psutil.Process(process.pid)
    while process.poll() is None:
        row: dict[str, float] = defaultdict(float)
        row["seconds"] = round(time.monotonic() - began, 1)
        try:
            family = [top, *top.children(recursive=True)]
        except psutil.NoSuchProcess:
            break
        for each in family:
            try:
                memory, command = each.memory_info(), " ".join(each.cmdline())
                row[kind(each.pid == process.pid, command)] += memory.rss - memory.shared
            except psutil.Error:  # it ended meanwhile
                continue
        rows.append(row)
        time.sleep(max(0.0, 1 - (time.monotonic() - began - row["seconds"])))
    return rows


def kind(driver: bool, command: str) -> str:
    if driver:
        return "driver"
    if "stages.guard" in command:
        return "parsers"
    if "spawn_main" in command or (command.startswith("ray::") and "_execute" in command) or "ray::IDLE" in command:
        return "workers"
    return "others"


def plot(name: str, seconds: np.ndarray, values: np.ndarray) -> None:
    top = max(float(values.max()), 1.0)
    columns = np.array_split(values, min(WIDTH, len(values)))
    heights = [round(float(column.mean()) / top * HEIGHT) for column in columns]
    print(f"{name}: at most {top / 1e6:,.0f} MB")
    for level in range(HEIGHT, 0, -1):
        print(f"  {top * level / HEIGHT / 1e6:7,.0f} |" + "".join("#" if h >= level else " " for h in heights).rstrip())
    print("          +" + "-" * len(heights) + f"  {seconds[-1]:.0f} s")


def slope(seconds: np.ndarray, values: np.ndarray) -> float:
    """MB a minute, by least squares."""
    return float(np.polyfit(seconds, values, 1)[0]) * 60 / 1e6 if len(seconds) > 2 else 0.0


def warcs(options: argparse.Namespace, place: Path) -> Path:
    folder = Path(options.folder).resolve() if options.folder else place / "warc"
    if not list(folder.glob("*.warc.gz")):
        subprocess.run(
            [
                sys.executable,
                options.maker,
                "--pages",
                str(options.pages),
                "--files",
                str(options.files),
                "--out",
                folder,
            ],
            check=True,
            stdout=sys.stderr,
        )
    return folder


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pages", type=int, default=60_000)
    parser.add_argument("--files", type=int, default=8)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--runner", choices=("ray", "local"), default="ray")
    parser.add_argument("--maker", default=str(MAKER))
    parser.add_argument(
        "--folder", default="", help="where the WARC files lie or are to lie (default: built and removed)"
    )
    parser.add_argument("--csv", default="memory.csv", help="where all samples go (default: memory.csv)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="seimai-") as made:
        place = Path(made)
        folder = warcs(options, place)
        size = sum(file.stat().st_size for file in folder.glob("*.warc.gz"))
        recipe = place / "recipe.toml"
        recipe.write_text(RECIPE.format(folder=folder))
        command = [sys.executable, "-m", "pipeline", "run", recipe, "--runner", options.runner]
        process = subprocess.Popen(
            [*map(str, command), "--workers", str(options.workers)],
            cwd=ROOT,
            env={**os.environ, "CI": "1"},
            stdout=subprocess.DEVNULL,
        )
        rows = sampled(process)
        if process.wait():
            sys.exit(f"the run ended with exit code {process.returncode}")
    names = ["driver", "workers", "parsers", "others"]
    with Path(options.csv).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["seconds", *names])
        writer.writerows([row["seconds"], *(int(row[name]) for name in names)] for row in rows)
    seconds = np.array([row["seconds"] for row in rows])
    print(
        f"{size / 1e6:,.0f} MB of WARC on {options.workers} workers ({options.runner}): {seconds[-1]:.0f} s; samples in {options.csv}"
    )
    half = (seconds > seconds[-1] / 2) & (seconds < seconds[-1] * 0.95)  # not the end, when everything is given back
    for name in names:
        values = np.array([row[name] for row in rows])
        if values.any():
            plot(name, seconds, values)
            print(f"  second half: {slope(seconds[half], values[half]):+.1f} MB a minute")
    whole = np.array([sum(row[name] for name in names) for row in rows])
    print(
        f"together at most {whole.max() / 1e6:,.0f} MB; second half: {slope(seconds[half], whole[half]):+.1f} MB a minute"
    )


if __name__ == "__main__":
    main()
