"""What the scheduler asks of a place where tasks run."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.tasks.task import Result, Unit

Handle = int

WINDOW = 3  # units in flight for each worker: what ends early is followed at once, and the driver's memory stays flat


class WorkerDiedError(Exception):
    """The process of a task was killed or crashed: nothing it had not committed counts."""


class MemoryKillError(WorkerDiedError):
    """It was killed because memory ran out: it may do with more."""


class NodeLostError(WorkerDiedError):
    """The machine it ran on is gone: that says nothing of the task."""


@dataclass(frozen=True, slots=True)
class Finished:
    handle: Handle
    result: Result | None
    error: BaseException | None


class Executor(ABC):
    """Runs units somewhere, in the order given, as many at once as fit: one a worker, and what they declare they need."""

    def __init__(self) -> None:
        self._queue: deque[tuple[Handle, Unit]] = deque()
        self._submitted = 0

    @property
    @abstractmethod
    def workers(self) -> int:
        """Units that run at once. May change while nodes come and go."""

    def now(self) -> float:
        """Seconds; a simulation has a clock of its own."""
        return time.monotonic()

    def pause(self, seconds: float) -> None:
        """Nothing runs: let time pass."""
        time.sleep(seconds)

    def publish(self, numbers: Mapping[str, float]) -> None:  # noqa: B027  nothing watches worker processes
        """How the run stands, for whatever watches the machines. Advisory."""

    def submit(self, unit: Unit) -> Handle:
        self._submitted += 1
        self._queue.append((self._submitted, unit))
        self._fill()
        return self._submitted

    def drop(self) -> list[Handle]:
        """Give up what has not begun yet; the handles of it."""
        dropped = [handle for handle, _ in self._queue]
        self._queue.clear()
        return dropped

    @abstractmethod
    def wait(self, timeout: float) -> list[Finished]:
        """What has finished: returns with the first, or empty after `timeout` seconds or when nothing runs."""

    @abstractmethod
    def close(self) -> None:
        """End everything that still runs."""

    @abstractmethod
    def _fill(self) -> None:
        """Start queued units where there is room."""
