"""The scheduler: one loop, a bounded window of units in flight, large ones first, attempts counted here."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from pipeline.errors import DiskFullError, InputError, RefusedError, ShortError, UsageError
from pipeline.tasks.executor import WINDOW, Executor, Handle, MemoryKillError, NodeLostError, WorkerDiedError
from pipeline.tasks.task import Result, Unit

ATTEMPTS = 3  # of a unit
LOST = 9  # nodes that may vanish under a unit: it is hardly its fault, but one that takes its node along must end too
BACKOFF = 1.0  # seconds before the second attempt; doubled each time
LONGEST_BACKOFF = 60.0
WAIT = 0.5  # seconds until a view or a log is served though nothing has finished


class Listener(Protocol):
    """Hears how units go."""

    def finished(self, unit: Unit, result: Result) -> None: ...

    def failed(self, unit: Unit, attempt: int, error: BaseException, final: bool) -> None: ...

    def tick(self, running: int) -> None: ...


@dataclass
class _Work:
    """A unit, and what its attempts have cost so far."""

    unit: Unit
    attempts: int = 0
    failures: int = 0  # those that count against it
    lost: int = 0  # nodes that vanished under it
    raised: bool = False  # it has had its one try with more memory

    def again(self, error: BaseException) -> float | None:
        """Seconds until it is tried again; None when it is given up."""
        unit = self.unit
        self.attempts += 1
        if isinstance(error, InputError | ShortError | UsageError | RefusedError):
            return None  # another attempt would only meet it again
        if isinstance(error, MemoryKillError):
            if self.raised:
                return None
            self.raised = True
            self.unit = replace(unit, needs=unit.needs.more_memory())
            return BACKOFF
        if isinstance(error, NodeLostError):
            self.lost += 1
            return None if self.lost >= LOST else self._backoff(self.lost)
        self.failures += 1
        if isinstance(error, WorkerDiedError) and self.failures == ATTEMPTS - 1:
            # Perhaps one text is to blame. The child that is to find it needs about as much as the worker.
            self.unit = replace(unit, aside=True, needs=unit.needs.more_memory())
        if isinstance(error, DiskFullError):
            self.unit = replace(unit, needs=unit.needs.more_scratch())
        return None if self.failures >= ATTEMPTS else self._backoff(self.failures)

    @staticmethod
    def _backoff(times: int) -> float:
        return min(BACKOFF * 2.0 ** (times - 1), LONGEST_BACKOFF)


def schedule(
    units: Iterable[Unit], executor: Executor, listener: Listener, done: Callable[[Unit, Result], None]
) -> list[tuple[str, str]]:
    """Run units; `done` gets each with its result. Returns those that were given up: label and reason.

    What is in flight is bounded (WINDOW for each worker) and results are handed on at once, so memory is that of the units.
    """
    order = iter(range(1 << 62))
    waiting = [(-unit.weight, unit.label, next(order), _Work(unit)) for unit in units]
    heapq.heapify(waiting)
    delayed: list[tuple[float, int, _Work]] = []
    running: dict[Handle, _Work] = {}
    failures: list[tuple[str, str]] = []
    while waiting or delayed or running:
        now = executor.now()
        while delayed and delayed[0][0] <= now:
            work = heapq.heappop(delayed)[2]
            heapq.heappush(waiting, (-work.unit.weight, work.unit.label, next(order), work))
        window = executor.workers * WINDOW
        while waiting and len(running) < window:
            work = heapq.heappop(waiting)[3]
            running[executor.submit(work.unit)] = work
        listener.tick(min(len(running), executor.workers))
        for finished in executor.wait(WAIT):
            work = running.pop(finished.handle)
            if finished.result is not None:
                done(work.unit, finished.result)
                listener.finished(work.unit, finished.result)
                continue
            error = finished.error
            assert error is not None
            pause = work.again(error)
            listener.failed(work.unit, work.attempts, error, pause is None)
            if pause is None:
                failures.append((work.unit.label, " ".join(f"{type(error).__name__}: {error}".split())))
            else:
                heapq.heappush(delayed, (executor.now() + pause, next(order), work))
            if isinstance(error, RefusedError):  # asking on, for other inputs, would make it worse
                waiting, delayed = [], []
                for handle in executor.drop():
                    del running[handle]
        if delayed and not running and not waiting:
            executor.pause(max(0.0, min(delayed[0][0] - executor.now(), WAIT)))
    return failures
