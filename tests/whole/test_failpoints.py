"""A run may die at any step of a commit of any stage, or stop there and go on too late: it does not show."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

from tests.runs import ROOT
from tests.stage_versions import stages


def test_death_at_every_step_and_zombies_do_not_show(tmp_path: Path) -> None:
    # In a process of its own: forks of pytest, with all its threads, would hang.
    command = [sys.executable, "-m", "tests.failpoints", str(tmp_path / "made")]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    told = json.loads(ran.stdout)
    hit: dict[str, set[str]] = {}
    for step in told["deaths"]:
        when, place, what = step.split(" ", 2)
        hit.setdefault(place, set()).add(f"{when} {what.partition(':')[0]}")
    every = {getattr(importlib.import_module(module), name).name for name, (module, _) in stages().items()}
    assert every <= hit.keys(), "give the recipe of tests/kill_corpus.py something to do for these stages"
    for stage in sorted(hit.keys() - {"plan", "release"}):
        steps = {f"{when} {what}" for when in ("before", "after") for what in ("data", "spec.json", "commit")}
        assert steps <= hit[stage], stage
    assert "before quarantine" in hit["extract"]
    for name in ("manifest.json", "shards.jsonl", "NOTICE", "hosts.parquet", "web-train-*-*.parquet"):
        assert {f"before {name}", f"after {name}"} <= hit["release"]
    assert told["zombies"] >= len(every)
