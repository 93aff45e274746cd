"""An executor whose units are claimed for their run: what another run is at work on waits until that has ended."""

from __future__ import annotations

import time
from dataclasses import replace

from pipeline.tasks.claims import Claim, HeldError, Peers
from pipeline.tasks.executor import Executor, Finished, Handle
from pipeline.tasks.task import Unit, part_fingerprint

_FIRST, _LAST = 0.25, 8.0  # seconds until a held unit is asked for again; doubled each time


class Claiming(Executor):
    """Runs units in another executor. One that is held elsewhere comes back when it is committed there, or free."""

    def __init__(self, inner: Executor, peers: Peers) -> None:
        super().__init__()
        self._inner = inner
        self._peers = peers
        self._running: dict[Handle, tuple[Handle, Unit, float]] = {}  # of the inner one -> ours, the unit, next pause
        self._held: list[tuple[float, Handle, Unit, float]] = []

    @property
    def workers(self) -> int:
        return self._inner.workers

    def submit(self, unit: Unit) -> Handle:
        self._submitted += 1
        self._hand_in(self._submitted, unit, _FIRST)
        return self._submitted

    def wait(self, timeout: float) -> list[Finished]:
        self._fill()
        finished = []
        for each in self._inner.wait(timeout if not self._held else min(timeout, _FIRST)):
            handle, unit, pause = self._running.pop(each.handle)
            if isinstance(each.error, HeldError):
                if self._peers.gone(each.error.run):
                    self._hand_in(handle, unit, _FIRST)
                else:
                    self._peers.tell(each.error.run)
                    self._held.append((time.monotonic() + pause, handle, unit, min(2 * pause, _LAST)))
            else:
                finished.append(Finished(handle, each.result, each.error))
        if self._held and not self._running:
            time.sleep(min(timeout, _FIRST))  # nothing runs here, so waiting for that takes no time
        return finished

    def drop(self) -> list[Handle]:
        dropped = [self._running.pop(handle)[0] for handle in self._inner.drop()]
        dropped += [handle for _, handle, _, _ in self._held]
        self._held.clear()
        return dropped

    def close(self) -> None:
        self._inner.close()

    def _fill(self) -> None:
        now = time.monotonic()
        due = [each for each in self._held if each[0] <= now]
        self._held = [each for each in self._held if each[0] > now]
        for _, handle, unit, pause in due:
            self._hand_in(handle, unit, pause)

    def _hand_in(self, handle: Handle, unit: Unit, pause: float) -> None:
        key = part_fingerprint(unit.stages[0], unit.fingerprints[0], unit.parts)
        assert key is not None, "a unit begins with a stage whose inputs are known"
        signed = replace(unit, claim=Claim(self._peers.run, key, self._peers.dead))
        self._running[self._inner.submit(signed)] = handle, unit, pause
