"""Where tasks run without Ray: in this process, or in worker processes of their own."""

from __future__ import annotations

import concurrent.futures as futures
import multiprocessing
import os
import threading
import time
from concurrent.futures.process import BrokenProcessPool

from pipeline.executor import Executor, Finished, Handle, WorkerDiedError
from pipeline.task import Result, Unit, execute


class Inline(Executor):
    """One unit at a time in this process: for dry runs, tests and debuggers."""

    def __init__(self, root: str) -> None:
        super().__init__()
        self._root = root

    @property
    def workers(self) -> int:
        return 1

    def _fill(self) -> None:
        """Nothing runs beside the caller: `wait` does the work."""

    def wait(self, timeout: float) -> list[Finished]:
        if not self._queue:
            return []
        handle, unit = self._queue.popleft()
        try:
            return [Finished(handle, execute(unit, self._root), None)]
        except Exception as error:  # the scheduler decides what an error costs
            return [Finished(handle, None, error)]

    def close(self) -> None:
        self._queue.clear()


class Processes(Executor):
    """Worker processes on this machine.

    A pool of one process each: when a worker is killed its pool breaks and is replaced, and only its task is lost (a
    shared pool would fail every task in flight).
    """

    def __init__(self, root: str, workers: int) -> None:
        super().__init__()
        self._workers = workers
        self._root = root
        self._context = multiprocessing.get_context("spawn")  # forking a process with threads and models deadlocks
        self._pools = [self._pool() for _ in range(workers)]
        self._running: dict[futures.Future[Result], int] = {}
        self._handles: dict[futures.Future[Result], int] = {}

    @property
    def workers(self) -> int:
        return self._workers

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
        for slot in range(self._workers):
            if self._queue and slot not in busy:
                handle, unit = self._queue.popleft()
                try:
                    future = self._pools[slot].submit(execute, unit, self._root)
                except BrokenProcessPool:  # its process was killed while it had nothing to do
                    self._pools[slot] = self._pool()
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


class WhenNeeded(Executor):
    """Starts the runner with the first unit: a finished recipe needs no Ray and answers in a second."""

    def __init__(self, runner: str, root: str, workers: int) -> None:
        super().__init__()
        self._arguments = runner, root, workers
        self._opened: Executor | None = None

    @property
    def workers(self) -> int:
        return self._open().workers

    def submit(self, unit: Unit) -> Handle:
        return self._open().submit(unit)

    def wait(self, timeout: float) -> list[Finished]:
        return self._open().wait(timeout)

    def drop(self) -> list[Handle]:
        return self._open().drop()

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()

    def _fill(self) -> None:
        """The opened executor keeps the queue."""

    def _open(self) -> Executor:
        if self._opened is None:
            self._opened = open_executor(*self._arguments)
        return self._opened


def open_executor(runner: str, root: str, workers: int) -> Executor:
    """`runner`: 'ray' (default of the CLI), 'local' (worker processes) or 'inline' (this process)."""
    if runner == "ray":
        from pipeline.on_ray import RayTasks

        return RayTasks(root, workers)
    if runner == "local":
        return Processes(root, workers or os.cpu_count() or 1)
    return Inline(root)
