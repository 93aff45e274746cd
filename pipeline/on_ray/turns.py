"""One desk for the whole cluster that says when the next request may begin."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import ray


class Desk:
    """An actor that hands out at most `connections` turns at once and `per_second` a second.

    A task that dies cannot give its turn back, so the driver does it when it hears of the end of any task.
    """

    def __init__(self, connections: int, per_second: float) -> None:
        self._connections = connections
        self._pause = 1 / per_second
        self._held: Counter[str] = Counter()
        self._ended: set[str] = set()
        self._free = asyncio.Condition()
        self._next = 0.0

    async def take(self, task: str) -> None:
        """Returns when the task may send a request."""
        async with self._free:
            await self._free.wait_for(lambda: self._held.total() < self._connections)
            if task in self._ended:  # it died while it waited
                return
            self._held[task] += 1
            now = asyncio.get_running_loop().time()
            begins = self._next = max(now, self._next + self._pause)
        await asyncio.sleep(begins - now)

    async def give_back(self, task: str) -> None:
        async with self._free:
            if self._held[task]:
                self._held[task] -= 1
            self._free.notify_all()

    async def end(self, task: str) -> None:
        """The task has ended, well or not: whatever it held is free."""
        async with self._free:
            self._ended.add(task)
            self._held.pop(task, None)
            self._free.notify_all()


class ClusterTurns:
    """The turns of one Ray task, for `pipeline.acquire`."""

    def __init__(self, desk: Any) -> None:
        self._desk = desk
        self._task = ray.get_runtime_context().get_task_id() or ""

    @contextlib.contextmanager
    def take(self) -> Iterator[None]:
        ray.get(self._desk.take.remote(self._task))
        try:
            yield
        finally:
            self._desk.give_back.remote(self._task)
