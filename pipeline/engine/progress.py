"""Progress: a live view on a terminal, a plain line every half minute in a log, and the record of a run in `runs/`."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pipeline.engine.schedule import ATTEMPTS
from pipeline.engine.standing import Phase, Standing, told
from pipeline.errors import UnreachableError
from pipeline.store.journal import EVERY, Journal
from pipeline.store.opening import open_store
from pipeline.store.places import Place
from pipeline.tasks.task import Result, Unit
from pipeline.terminal import harmless

LOG_EVERY = 30.0  # seconds between the lines of a log
NOTE_EVERY = 5.0  # seconds between two states of `progress.json` and of the metrics
DRAW_EVERY = 0.25  # seconds between two states of the live view


class Reporter:
    """Listens to a run. Messages go to stderr; `runs/<run_id>/` keeps what may differ between runs.

    `events.jsonl` there is what happened and when, `progress.json` how the run stands (replaced every few seconds).
    `publish` gets the same numbers as often.
    """

    def __init__(self, work: Place, publish: Callable[[Mapping[str, float]], None] | None = None) -> None:
        self.standing = Standing()
        self._publish = publish
        self._console = Console(stderr=True, highlight=False)
        self._live: Live | None = None
        self._said = self._noted = time.monotonic()
        self.run_id = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()) + f"-{os.getpid()}-{secrets.token_hex(2)}"
        self._work = work
        self._folder = f"runs/{self.run_id}"
        self._events = Journal(work, f"{self._folder}/events.jsonl")
        self._note_every = NOTE_EVERY if isinstance(work, Path) else EVERY
        self._broken = False  # `runs/` could not be written: said once, and the run goes on without
        self._record("start", argv=sys.argv, host=platform.node(), python=platform.python_version())

    def __enter__(self) -> Reporter:
        if self._console.is_terminal and not os.environ.get("CI"):
            self._live = Live(console=self._console, get_renderable=self._view, refresh_per_second=1 / DRAW_EVERY)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.standing.end()
        if self._live:
            self._live.stop()
        self._note()
        self._record("end")
        with self._advisory():
            self._events.close()

    def looking(self, name: str) -> None:
        self.standing.looking(name)
        self._pulse()

    def phase(self, name: str, units: int, committed: int, left: Sequence[Unit]) -> None:
        self.standing.begin(units, committed, left)
        if left:
            earlier = f", {committed:,} more are there from an earlier run" if committed else ""
            self._say_in_log(f"{name}: {len(left):,} to do{earlier}")

    def totals(self, documents: int, tokens: int) -> None:
        self.standing.documents, self.standing.tokens = documents, tokens

    def finished(self, unit: Unit, result: Result) -> None:
        self.standing.finished(unit, result)
        self._record(
            "finished",
            unit=unit.label,
            seconds=round(result.seconds, 3),
            ran=list(result.ran),
            stage=result.markers[0].stage,
            peak=result.peak,
        )
        for marker in result.markers:
            if marker.quarantine and marker.stage in result.ran:
                self._say(
                    f"{unit.label}: {marker.quarantine['rows']} quarantined by {marker.stage}: see {self._work / marker.quarantine['path']}"
                )
            if marker.stage == "extract" and not marker.counters.get("records"):
                self._say(f"{unit.label}: no record in it that could be a page; is it a WARC file of responses?")
        phase = self.standing.phase
        if phase is not None and phase.done == phase.units:
            self._say_in_log(self.standing.line())

    def failed(self, unit: Unit, attempt: int, error: BaseException, final: bool) -> None:
        self.standing.failed(unit, final)
        line = " ".join(f"{type(error).__name__}: {error}".split())
        self._record("failed", unit=unit.label, attempt=attempt, final=final, error=line)
        self._say(f"{unit.label}: attempt {attempt} of {ATTEMPTS} failed{', given up' if final else ''}: {line[:500]}")

    def alarm(self, text: str) -> None:
        self._record("alarm", text=text)
        self._say(f"alarm: {text}")

    def tick(self, running: int) -> None:
        self.standing.running = running
        self._pulse()

    def _pulse(self) -> None:
        now = time.monotonic()
        if now - self._said >= LOG_EVERY:
            self._say_in_log(self.standing.line())
        if now - self._noted >= self._note_every:
            self._note()

    def _note(self) -> None:
        """Where a reader finds the old state or the new one, never half of it."""
        self._noted = time.monotonic()
        state = json.dumps({"time": time.time(), **self.standing.to_json()}, indent=1) + "\n"
        with self._advisory():
            open_store(self._work).replace(f"{self._folder}/progress.json", state.encode())
        if self._publish is not None:
            self._publish(self.standing.numbers())

    def _say_in_log(self, line: str) -> None:
        """The live view shows it anyway."""
        if self._live is None:
            self._say(line)

    def _say(self, line: str) -> None:
        self._said = time.monotonic()
        self._console.print(harmless(line), markup=False, soft_wrap=True)

    def _record(self, event: str, **what: Any) -> None:
        with self._advisory():
            self._events.write(json.dumps({"event": event, "time": time.time(), **what}, ensure_ascii=False))

    @contextlib.contextmanager
    def _advisory(self) -> Iterator[None]:
        """Nothing depends on what stands in `runs/`: a full disk there must not end a run."""
        try:
            yield
        except (OSError, UnreachableError) as error:
            if not self._broken:
                self._broken = True
                told = error.strerror if isinstance(error, OSError) and error.strerror else error
                self._say(f"{self._work / self._folder}: {told}; the run goes on without its record")

    def _view(self) -> Group:
        return view(self.standing)


def view(standing: Standing) -> Group:
    """What a terminal shows: a line a phase, and one for the whole."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("phase", "", "done", "of", "running", "failed", "documents/s", "time", "left"):
        table.add_column(name, justify="left" if name in ("phase", "") else "right")
    for phase in standing.phases:
        table.add_row(*_row(standing, phase))
    whole = f"{standing.documents:,} documents, {standing.tokens:,} tokens so far; {standing.memory()}"
    return Group(table, Text(whole))


def _row(standing: Standing, phase: Phase) -> list[Any]:
    now, going_on = standing.clock(), phase.ended is None
    left = phase.left(now)
    return [
        phase.name,
        ProgressBar(total=max(phase.units, 1), completed=phase.done if phase.units else int(not going_on), width=24),
        f"{phase.done:,}",
        f"{phase.units:,}",
        str(standing.running) if going_on else "",
        str(phase.failed) if phase.failed else "",
        f"{phase.rate(now):,.0f}" if phase.ran else "",
        told(phase.seconds(now)),
        ("?" if left is None else told(left)) if going_on and phase.units else "",
    ]
