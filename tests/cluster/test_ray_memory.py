"""A worker that Ray's memory monitor really kills: one more try with more memory, then its partition alone is given up."""

from __future__ import annotations

import os
import re
from pathlib import Path

import psutil
import pytest

from tests.corpora import documents, text
from tests.runs import ROOT, finish, places, recipe, source, start

LIMITS = [Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")]
ROOM = 2 << 30  # bytes beyond what the machine holds now; what else runs on it may take some of it


def test_a_kill_for_want_of_memory_costs_a_partition(tmp_path: Path) -> None:
    memory = psutil.virtual_memory()
    if any(
        int(limit) < memory.total for file in LIMITS if file.exists() and (limit := file.read_text().strip()).isdigit()
    ):
        pytest.skip("this container has less memory than its machine, and Ray counts by that")
    if memory.available < 4 * ROOM:
        pytest.skip(f"{memory.available / 1e9:.1f} GB are free; {4 * ROOM / 1e9:.1f} GB are wanted")
    greedy = documents(tmp_path, "greedy", [{"id": "g", "url": "", "text": f"食【{text(1, 40)}"}])
    modest = documents(tmp_path, "modest", [{"id": f"m{n}", "url": "", "text": text(n)} for n in range(2, 4)])
    file = recipe(
        tmp_path,
        source("greedy", "jsonl", greedy, license="CC0-1.0", id_column="id", url_column="url")
        + source("modest", "jsonl", modest, license="CC0-1.0", id_column="id", url_column="url")
        + '[filters]\nselect = ["JA201"]\n',
    )
    path = os.pathsep.join(filter(None, (str(ROOT / "tests" / "greedy"), str(ROOT), os.environ.get("PYTHONPATH"))))
    ran = finish(
        start(
            *("run", file, "--runner", "ray", "--workers", 1, *places(tmp_path)),
            PYTHONPATH=path,
            RAY_memory_usage_threshold=f"{(memory.total - memory.available + ROOM) / memory.total:.4f}",
            RAY_memory_monitor_refresh_ms="100",
            CI="1",
        )
    )
    assert ran.code == 1, ran.err
    tries = re.findall(
        r"greedy greedy.jsonl: attempt (\d) of 3 failed(, given up)?: MemoryKillError: declared ([\d.]+) GB", ran.err
    )
    assert [(attempt, bool(last)) for attempt, last, _ in tries] == [("1", False), ("2", True)], ran.err
    assert float(tries[1][2]) == pytest.approx(2 * float(tries[0][2]), abs=0.11)
    assert "1 of the tasks failed" in ran.err
    assert ran.err.splitlines()[-1].startswith("  greedy greedy.jsonl: MemoryKillError: declared"), ran.err
    for stage, partitions in (("extract", 2), ("tokens", 1), ("minhash", 1)):
        assert len(list(tmp_path.glob(f"work/stages/{stage}/*/commit/*.json"))) == partitions
    assert not (tmp_path / "release" / "manifest.json").exists()
