"""Progress: a live bar on a terminal, a plain line every few seconds in a log, and the record of a run in `runs/`."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from pipeline.run import ATTEMPTS
from pipeline.task import Result, Unit
from pipeline.terminal import harmless

LOG_EVERY = 10.0  # seconds between the lines of a log


class Reporter:
    """Listens to a run. Messages go to stderr; `runs/<run_id>/events.jsonl` keeps what may differ between runs."""

    def __init__(self, work: Path) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._live = self._console.is_terminal and not os.environ.get("CI")
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description:<10}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}"),
            console=self._console,
        )
        self._task: Any = None
        self._name, self._total, self._done, self._documents = "", 0, 0, 0
        self._said = time.monotonic()
        self.run_id = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()) + f"-{os.getpid()}"
        self._work = work
        self._events = work / "runs" / self.run_id / "events.jsonl"
        self._events.parent.mkdir(parents=True, exist_ok=True)
        self._record("start", argv=sys.argv, host=platform.node(), python=platform.python_version())

    def __enter__(self) -> Reporter:
        if self._live:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._bar.stop()
        self._record("end")

    def phase(self, name: str, total: int, done: int) -> None:
        self._name, self._total, self._done = name, total, done
        if self._live:
            self._task = self._bar.add_task(name, total=total, completed=done, note="")
        elif total > done:
            self._log(f"{done} of {total} from an earlier run")

    def finished(self, unit: Unit, result: Result) -> None:
        self._done += 1
        first = result.markers[0]
        self._documents += first.counters.get("records", 0)
        self._record(
            "finished", unit=unit.label, seconds=round(result.seconds, 3), ran=list(result.ran), stage=first.stage
        )
        for marker in result.markers:
            if marker.quarantine and marker.stage in result.ran:
                self._say(
                    f"{unit.label}: {marker.quarantine['rows']} quarantined by {marker.stage}: see {self._work / marker.quarantine['path']}"
                )
            if marker.stage == "extract" and not marker.counters.get("records"):
                self._say(f"{unit.label}: no record in it that could be a page; is it a WARC file of responses?")
        if self._live:
            self._bar.update(self._task, completed=self._done, note=f"{self._documents:,} records")
        elif self._done == self._total:
            self._log("finished")

    def failed(self, unit: Unit, attempt: int, error: BaseException, final: bool) -> None:
        line = " ".join(f"{type(error).__name__}: {error}".split())
        self._record("failed", unit=unit.label, attempt=attempt, final=final, error=line)
        self._say(
            f"{unit.label}: attempt {attempt} of {ATTEMPTS} failed{'' if not final else ', given up'}: {line[:500]}"
        )

    def tick(self, running: int) -> None:
        if not self._live and time.monotonic() - self._said >= LOG_EVERY:
            self._log(f"{running} running")

    def _log(self, note: str) -> None:
        self._say(f"{self._name}: {self._done}/{self._total} tasks, {self._documents:,} records read, {note}")

    def _say(self, line: str) -> None:
        self._said = time.monotonic()
        (self._bar.console if self._live else self._console).print(harmless(line), markup=False, soft_wrap=True)

    def _record(self, event: str, **what: Any) -> None:
        with self._events.open("a") as file:
            file.write(json.dumps({"event": event, "time": time.time(), **what}, ensure_ascii=False) + "\n")
