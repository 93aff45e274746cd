"""Where tasks run without Ray: in this process, or in worker processes of their own."""

from __future__ import annotations

import concurrent.futures as futures
import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, Protocol

from pipeline.task import Result, Unit, execute

Handle = Any


class WorkerDiedError(Exception):
    """The process of a task was killed or crashed: nothing it had not committed counts."""


@dataclass(frozen=True, slots=True)
class Finished:
    handle: Handle
    result: Result | None
    error: BaseException | None


class Executor(Protocol):
    """Runs units somewhere. `wait` returns as soon as one has finished, or empty after `timeout` seconds."""

    @property
    def workers(self) -> int: ...

    def submit(self, unit: Unit) -> Handle: ...

    def wait(self, timeout: float) -> list[Finished]: ...

    def close(self) -> None: ...


class Inline:
    """One unit at a time in this process: for dry runs, tests and debuggers."""

    workers = 1

    def __init__(self, root: str) -> None:
        self._root = root
        self._waiting: list[tuple[int, Unit]] = []
        self._next = 0

    def submit(self, unit: Unit) -> Handle:
        self._next += 1
        self._waiting.append((self._next, unit))
        return self._next

    def wait(self, timeout: float) -> list[Finished]:
        if not self._waiting:
            return []
        handle, unit = self._waiting.pop(0)
        try:
            return [Finished(handle, execute(unit, self._root), None)]
        except Exception as error:  # the scheduler decides what an error costs
            return [Finished(handle, None, error)]

    def close(self) -> None:
        self._waiting.clear()


class Processes:
    """Worker processes on this machine.

    A pool of one process each: when a worker is killed its pool breaks and is replaced, and only its task is lost (a
    shared pool would fail every task in flight).
    """

    def __init__(self, root: str, workers: int) -> None:
        self.workers = workers
        self._root = root
        self._context = multiprocessing.get_context("spawn")  # forking a process with threads and models deadlocks
        self._pools = [self._pool() for _ in range(workers)]
        self._running: dict[futures.Future[Result], int] = {}
        self._queue: list[tuple[int, Unit]] = []
        self._handles: dict[futures.Future[Result], int] = {}
        self._next = 0

    def submit(self, unit: Unit) -> Handle:
        self._next += 1
        self._queue.append((self._next, unit))
        self._fill()
        return self._next

    def wait(self, timeout: float) -> list[Finished]:
        if not self._running:
            return []
        done, _ = futures.wait(self._running, timeout, futures.FIRST_COMPLETED)
        finished = []
        for future in sorted(done, key=lambda f: self._handles[f]):
            slot, handle = self._running.pop(future), self._handles.pop(future)
            error = future.exception()
            if isinstance(error, BrokenProcessPool):
                self._pools[slot].shutdown(wait=False)
                self._pools[slot] = self._pool()
                error = WorkerDiedError("its worker process was killed or crashed")
            finished.append(Finished(handle, None if error else future.result(), error))
        self._fill()
        return finished

    def close(self) -> None:
        for pool in self._pools:
            for process in list((pool._processes or {}).values()):  # noqa: SLF001  a pool has no public kill before 3.14
                process.kill()
            pool.shutdown(wait=True, cancel_futures=True)

    def _fill(self) -> None:
        busy = set(self._running.values())
        for slot in range(self.workers):
            if self._queue and slot not in busy:
                handle, unit = self._queue.pop(0)
                future = self._pools[slot].submit(execute, unit, self._root)
                self._running[future], self._handles[future] = slot, handle

    def _pool(self) -> futures.ProcessPoolExecutor:
        return futures.ProcessPoolExecutor(1, mp_context=self._context, initializer=leave_with_parent)


def leave_with_parent() -> None:
    """End this worker when the driver is gone (kill -9 leaves no other sign), so that nothing runs on unseen."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the driver, which ends its workers
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


Opener = Callable[[str, int], Executor]


def open_executor(runner: str, root: str, workers: int) -> Executor:
    """`runner`: 'ray' (default of the CLI), 'local' (worker processes) or 'inline' (this process)."""
    if runner == "ray":
        from pipeline.on_ray import RayTasks

        return RayTasks(root, workers)
    if runner == "local":
        return Processes(root, workers or os.cpu_count() or 1)
    return Inline(root)
