"""kill -9 anything, run the same command again: it finishes, with the bytes of an undisturbed run."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.runs import QUICKSTART, finish, places, seimai, start, tree


def wait_for(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the run never came this far"
        time.sleep(0.01)


def markers(folder: Path) -> int:
    return len(list(folder.glob("work/stages/*/*/commit/*.json")))


def gone(pids: list[int]) -> bool:
    return not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in pids)


@pytest.mark.parametrize("after", [1, 12, 34])
def test_a_killed_driver(golden_run: Path, tmp_path: Path, after: int) -> None:
    process = start("run", QUICKSTART, "--runner", "local", "--workers", 2, *places(tmp_path))
    wait_for(lambda: markers(tmp_path) >= after)
    family = [child.pid for child in psutil.Process(process.pid).children(recursive=True)]
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "release" / "manifest.json").exists()
    wait_for(lambda: gone(family), 20)  # nothing runs on unseen
    ran = seimai("run", QUICKSTART, "--runner", "local", "--workers", 2, *places(tmp_path))
    assert ran.code == 0, ran.err
    assert tree(tmp_path / "release") == tree(golden_run / "release")
    assert seimai("verify", tmp_path / "release").code == 0


def test_a_killed_worker_costs_an_attempt_and_nothing_else(golden_run: Path, tmp_path: Path) -> None:
    process = start("run", QUICKSTART, "--runner", "local", "--workers", 1, *places(tmp_path))
    wait_for(lambda: markers(tmp_path) >= 3)
    workers = [c for c in psutil.Process(process.pid).children() if "spawn_main" in " ".join(c.cmdline())]
    workers[0].kill()
    ran = finish(process)
    assert ran.code == 0, ran.err
    assert "attempt 1 of 3 failed" in ran.err
    assert tree(tmp_path / "release") == tree(golden_run / "release")


def test_ctrl_c_ends_quickly_and_says_how_to_go_on(tmp_path: Path) -> None:
    process = start("run", QUICKSTART, "--runner", "local", "--workers", 2, *places(tmp_path))
    wait_for(lambda: markers(tmp_path) >= 1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the whole group
    ran = finish(process, timeout=30)
    assert ran.code == 130
    assert "the same command goes on from there" in ran.err
    assert "Traceback" not in ran.err


def test_two_runs_at_once_agree(golden_run: Path, tmp_path: Path) -> None:
    both = [start("run", QUICKSTART, "--runner", "local", "--workers", 1, *places(tmp_path)) for _ in range(2)]
    for process in both:
        ran = finish(process)
        assert ran.code == 0, ran.err
    assert tree(tmp_path / "release") == tree(golden_run / "release")
    assert tree(tmp_path / "work" / "stages") == tree(golden_run / "work" / "stages")
