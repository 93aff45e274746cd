"""Chaos by hand: kills until there were enough, in trials, and a summary.

    python -m tests.chaos --kills 100 --seed 1 [--folder FOLDER] [--in-trial 12]

Each trial is a run that is hurt time and again, repeated until it succeeds, and must leave the same bytes as an
undisturbed one. Exit code 1 where one does not: its folder stays. The seed decides what is killed and when; what it
hits depends on the machine.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.cluster import two_nodes
from tests.chaos.trial import Trial
from tests.kill_corpus import kill_corpus
from tests.runs import GOLDEN, places, seimai, source, tree

PAGES = source("pages", "warc", GOLDEN / "crawl-2.warc.gz", license="Apache-2.0")


@dataclass
class Summary:
    trials: int = 0
    same: int = 0
    sessions: int = 0
    seconds: float = 0.0
    kills: Counter[str] = field(default_factory=Counter)
    codes: Counter[int] = field(default_factory=Counter)
    deadlines: int = 0
    clusters: int = 0
    files: int = 0

    def add(self, trial: Trial) -> None:
        self.trials += 1
        self.sessions += len(trial.sessions)
        self.seconds += sum(session.seconds for session in trial.sessions)
        self.kills += trial.killed
        self.codes += Counter(session.code for session in trial.sessions)
        self.deadlines += sum("deadline" in session.kills for session in trial.sessions)

    def __str__(self) -> str:
        by_kind = ", ".join(f"{n} {kind}" for kind, n in self.kills.most_common())
        codes = ", ".join(f"{n} x {code}" for code, n in sorted(self.codes.items()))
        return (
            f"{self.same} of {self.trials} trials left the same {self.files} files as an undisturbed run\n"
            f"{self.kills.total()} kills ({by_kind})\n"
            f"{self.sessions} sessions in {self.seconds:.0f} s (exit codes: {codes}; {self.deadlines} over the deadline), "
            f"{self.clusters} clusters started"
        )


def chaos(folder: Path, kills: int, seed: int, in_trial: int, files: int, log: Callable[[str], None]) -> Summary:
    """At least `kills` kills in trials of up to `in_trial`. A trial that leaves other bytes ends it: AssertionError."""
    folder.mkdir(parents=True, exist_ok=True)
    recipe = kill_corpus(folder, files)
    recipe.write_text(recipe.read_text(encoding="utf-8") + PAGES, encoding="utf-8")
    reference = folder / "undisturbed"
    ran = seimai("run", recipe, "--runner", "local", "--workers", 2, *places(reference))
    assert ran.code == 0, ran.err
    summary, rng = (
        Summary(files=len(tree(reference / "release")) + len(tree(reference / "work/stages"))),
        random.Random(seed),
    )
    with two_nodes() as nodes:
        while summary.kills.total() < kills:
            place = folder / f"trial-{summary.trials}"
            trial = Trial(recipe, place, nodes, random.Random(rng.random()), in_trial)
            log(f"trial {summary.trials}")
            trial.run(log)
            summary.add(trial)
            summary.clusters = nodes.starts
            trial.check(reference)
            summary.same += 1
            shutil.rmtree(place)
    return summary


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--in-trial", type=int, default=12, help="kills in one trial at most (default: 12)")
    parser.add_argument("--files", type=int, default=8, help="of web pages (default: 8)")
    parser.add_argument("--folder", type=Path, help="where it happens (default: a temporary folder)")
    options = parser.parse_args()
    folder = (options.folder or Path(tempfile.mkdtemp(prefix="seimai-chaos-"))).resolve()
    began = time.monotonic()

    def log(line: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {line}", file=sys.stderr, flush=True)

    try:
        print(chaos(folder, options.kills, options.seed, options.in_trial, options.files, log))
    except AssertionError as error:
        print(f"seed {options.seed}, see {folder}: {error}", file=sys.stderr)
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
