"""What the scheduler asks of a place where tasks run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass

from pipeline.task import Result, Unit

Handle = int

WINDOW = 3  # units in flight for each worker: what ends early is followed at once, and the driver's memory stays flat


class WorkerDiedError(Exception):
    """The process of a task was killed or crashed: nothing it had not committed counts."""


@dataclass(frozen=True, slots=True)
class Finished:
    handle: Handle
    result: Result | None
    error: BaseException | None


class Executor(ABC):
    """Runs units somewhere, in the order given, as many at once as fit."""

    def __init__(self) -> None:
        self._queue: deque[tuple[Handle, Unit]] = deque()
        self._submitted = 0

    @property
    @abstractmethod
    def workers(self) -> int:
        """Units that run at once."""

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
