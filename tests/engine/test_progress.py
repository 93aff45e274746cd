"""How a run says how it goes: on a terminal, in a log, in `runs/`; the totals are those of the markers."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.commit.commit import Committed
from pipeline.engine import progress
from pipeline.engine.progress import Reporter, view
from pipeline.engine.standing import Standing, told
from pipeline.tasks.task import Result, Unit
from tests.engine.test_schedule import unit
from tests.runs import QUICKSTART, ROOT, places, seimai


def result(rows: int = 10) -> Result:
    outputs = {"rows": {"path": "p", "sha256": "s", "bytes": 1, "rows": rows}}
    return Result((Committed("extract", "f", "p", outputs, None, {"records": rows}, {}),), ("extract",), 1.0, 5 << 30)


class Clock:
    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def half_done() -> tuple[Standing, Clock, list[Unit]]:
    clock = Clock()
    standing, units = Standing(clock), [unit("a", 300), unit("b", 100), unit("c", 100)]
    standing.looking("documents")
    clock.time += 7
    standing.begin(5, 2, units)
    clock.time += 30
    standing.running = 2
    standing.finished(units[0], result(60))
    return standing, clock, units


def test_what_is_left_goes_by_weight_and_not_by_number() -> None:
    standing, _, _ = half_done()
    phase = standing.phase
    assert phase is not None
    assert phase.left(standing.clock()) == pytest.approx(20), "300 bytes in 30 s, 200 bytes left"
    assert phase.rate(standing.clock()) == 2.0
    assert (phase.done, phase.ran, phase.looked) == (3, 1, 7)


def test_nothing_is_promised_before_anything_has_finished() -> None:
    standing = Standing(Clock())
    standing.looking("documents")
    standing.begin(1, 0, [unit("a", 5)])
    assert standing.numbers()["eta_seconds"] == -1
    assert "? left" in standing.line()


def test_a_unit_that_is_given_up_is_no_longer_waited_for() -> None:
    standing, _, units = half_done()
    standing.failed(units[1], final=False)
    assert standing.numbers()["partitions_failed"] == 0
    standing.failed(units[1], final=True)
    standing.failed(units[2], final=True)
    assert standing.numbers() | {"driver_memory_bytes": 0} == {
        "partitions_total": 5,
        "partitions_done": 3,
        "partitions_running": 2,
        "partitions_failed": 2,
        "attempts_failed": 3,
        "documents": 0,
        "tokens": 0,
        "documents_per_second": 2.0,
        "eta_seconds": 0.0,
        "driver_memory_bytes": 0,
        "worker_memory_bytes": 5 << 30,
    }


def test_view_line_and_file_say_the_same() -> None:
    standing, _, _ = half_done()
    standing.documents, standing.tokens = 1_234_567, 89
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(view(standing))
    shown, line = console.export_text(), standing.line()
    for said in ("1,234,567 documents", "89 tokens so far", "worker 5.4 GB", "20 s"):
        assert said in shown, shown
        assert said in line, line
    assert re.search(r"documents .* 3 +5 +2 +2 +30 s +20 s", shown), shown
    assert "3/5 done, 2 running, 2 documents/s" in line
    assert standing.to_json()["phases"][0] | {"name": ""} == {
        "name": "", "partitions": 5, "done": 3, "failed": 0, "ran": 1, "looked_up_seconds": 7.0, "seconds": 30.0,
    }  # fmt: skip


def test_times_are_told_as_people_tell_them() -> None:
    assert [told(s) for s in (3.4, 89, 200, 7500)] == ["3 s", "89 s", "3 min", "2 h 05 min"]


def test_a_log_has_a_line_every_half_minute_and_the_file_is_never_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock, published = Clock(), []
    monkeypatch.setattr(progress.time, "monotonic", clock)
    with Reporter(tmp_path, published.append) as reporter:
        reporter.looking("documents")
        reporter.phase("documents", 2, 0, [unit("a"), unit("b")])
        for _ in range(300):
            clock.time += 0.5
            reporter.tick(2)
        lines = capsys.readouterr().err.splitlines()
        (file,) = tmp_path.glob("runs/*/progress.json")
        assert json.loads(file.read_text())["partitions_running"] == 2
    assert len(lines) == 1 + 150 // progress.LOG_EVERY
    assert len(published) == 150 // progress.NOTE_EVERY + 1
    assert published[0]["partitions_total"] == 2


def test_a_record_that_cannot_be_written_is_said_once_and_ends_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Reporter(tmp_path) as reporter:
        reporter._events.close()
        reporter._events = open("/dev/full", "w", buffering=1)  # noqa: SIM115
        reporter._folder = tmp_path / "gone"
        reporter.failed(unit("a"), 1, OSError("x"), final=False)
        reporter._note()
    assert capsys.readouterr().err.count("the run goes on without its record") == 1


def test_on_a_terminal_and_in_a_pipe_with_the_totals_of_the_markers(tmp_path: Path) -> None:
    """One run on a real terminal; then the same in a pipe, with everything committed."""
    command = [
        sys.executable,
        "-m",
        "pipeline",
        "run",
        QUICKSTART,
        "--runner",
        "local",
        "--workers",
        "2",
        *places(tmp_path),
    ]
    leader, follower = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if k != "CI"} | {
        "TERM": "xterm",
        "COLUMNS": "120",
        "LINES": "40",
    }
    process = subprocess.Popen(
        list(map(str, command)), cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=follower
    )
    os.close(follower)
    shown = b""
    while True:
        try:
            more = os.read(leader, 1 << 16)
        except OSError:  # the other end is closed
            break
        if not more:
            break
        shown += more
    os.close(leader)
    assert process.wait() == 0
    screen = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    assert screen.count("documents/s") > 3, "it is drawn again and again"
    for phase in ("documents", "bands", "dedup", "write", "shards"):
        assert re.search(rf"{phase} +━+ +\d", screen), screen[-3000:]
    assert " left" in screen
    (first,) = tmp_path.glob("work/runs/*/progress.json")
    told_first = json.loads(first.read_text())

    warm = seimai(*map(str, command[3:]))
    assert warm.code == 0
    assert "documents/s" not in warm.err
    (second,) = set(tmp_path.glob("work/runs/*/progress.json")) - {first}
    told_second = json.loads(second.read_text())
    funnel = json.loads((tmp_path / "release/manifest.json").read_text())["funnel"]["extracted"]
    for told_by in (told_first, told_second):
        assert (told_by["documents"], told_by["tokens"]) == (funnel["documents"], funnel["tokens"])
    assert {phase["ran"] for phase in told_second["phases"]} == {0}
