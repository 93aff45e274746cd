"""Dedup from text to keepers on one core, verification on, beside other tools on the same real pages in the same run.

    python -m tests.bench.dedup [--peers PYTHON] [--core 0] [--rounds 3]

Ours: stages `minhash`, `bands` and `dedup` from committed Parquet to committed Parquet. The others get texts in memory and
end with unverified clusters. PYTHON is an interpreter that has them (`pip install hojichar[dedup] rensa datasketch`); what
it does not have is passed over. CPU seconds, best of the rounds, because the machine may be shared.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from stages.base import MAIN, ROWS, Inputs, Part
from stages.dedup.bands import Bands
from stages.dedup.dedup import Dedup
from stages.parquet import Rows, Writer
from stages.signatures.minhash import MinHashStage
from tests.bench.dedup_peers import PEERS
from tests.dedup_corpus import Document, partition, prose, run
from tests.dedup_truth import pages
from tests.runs import SHARED

LEAST = 2.5  # times the best of the others


def given(folder: Path, texts: list[str]) -> Part:
    """What is committed before `minhash`: texts, edits and verdicts of one partition, in the runner's row groups."""
    made = partition(folder, "p", [Document(f"{n}", text) for n, text in enumerate(texts)])
    rows = {}
    for stage in ("extract", "edits", "verdict"):
        path, table = folder / f"{stage}.parquet", made.rows[stage].read()
        with Writer(path, table.schema, ROWS) as writer:
            writer.write(table)
        rows[stage] = Rows(str(path), "", table.num_rows)
    return Part("p", "web", 0, rows)


def ours(part: Part, folder: Path) -> dict[str, float]:
    """CPU seconds of each stage, and how many documents stay."""
    spent: dict[str, float] = {}
    began = time.process_time()
    signed, _ = run(MinHashStage(), Inputs(parts=(part,)), folder / "minhash")
    spent["minhash"] = time.process_time() - began
    whole = Part(part.id, part.source, part.rank, {**part.rows, "minhash": signed[MAIN]})
    keys, _ = run(Bands(), Inputs(parts=(whole,)), folder / "bands")
    spent["bands"] = time.process_time() - began - spent["minhash"]
    runs = Part("run", "", 0, {"bands": keys[MAIN]})
    _, counters = run(Dedup(), Inputs(parts=(whole, runs)), folder / "dedup")
    spent["all"] = time.process_time() - began
    spent["dedup"] = spent["all"] - spent["minhash"] - spent["bands"]
    spent["left"] = part.rows["extract"].rows - counters["dropped.exact"] - counters["dropped.near"]
    return spent


def peer(python: str, name: str, texts: Path, core: int) -> dict[str, float] | str:
    """CPU and wall seconds and clusters left, or why there are none."""
    script = Path(__file__).with_name("dedup_peers.py")
    done = subprocess.run(
        [python, str(script), name, str(texts), str(core)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        return done.stderr.strip().splitlines()[-1]
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return str(found["missing"]) if "missing" in found else found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", default=sys.executable, help="a Python that has the other tools")
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if not SHARED.is_dir():
        print(f"passed over: the development data is not at {SHARED}")
        return
    os.sched_setaffinity(0, {options.core})
    texts = list(pages().values())
    size, characters = len(texts), sum(map(len, texts))
    print(f"{size} real pages, {characters / size:,.0f} characters on average, one core")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        few = given(folder / "few", [prose(300, n // 2) + prose(n % 2 * 20, n) for n in range(40)])
        ours(few, folder / "warm")  # compiles the kernels
        part = given(folder / "given", texts)
        mine = min((ours(part, folder / f"round{n}") for n in range(options.rounds)), key=lambda spent: spent["all"])
        print(f"{'ours, verified':24} {size / mine['all']:9,.0f} documents/s  left {mine['left']:.0f}")
        for stage in ("minhash", "bands", "dedup"):
            print(f"  {stage:22} {mine[stage] / size * 1e6:9.1f} us a document")
        path = folder / "texts.json"
        path.write_text(json.dumps(texts), encoding="utf-8")
        rates = []
        for tool in PEERS:
            found = [peer(options.peers, tool, path, options.core) for _ in range(options.rounds)]
            timed = [each for each in found if not isinstance(each, str)]
            if not timed:
                print(f"{tool:24} passed over: {found[0]}")
                continue
            best = min(timed, key=lambda each: each["cpu"])
            rates.append(size / best["cpu"])
            ratio = best["cpu"] / mine["all"]
            print(f"{tool:24} {rates[-1]:9,.0f} documents/s  left {best['left']:.0f}  ours is {ratio:.1f} x as fast")
    if rates:
        ratio = size / mine["all"] / max(rates)
        print(f"{ratio:.2f} x the best of the others (wanted: {LEAST}): {'reached' if ratio >= LEAST else 'MISSED'}")


if __name__ == "__main__":
    main()
