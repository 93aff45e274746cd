"""Where tasks run without Ray: in this process, or in worker processes of their own."""

from __future__ import annotations

import concurrent.futures as futures
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Mapping
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.process import BaseProcess as Process

from pipeline.tasks.executor import Executor, Finished, Handle, MemoryKillError, WorkerDiedError
from pipeline.tasks.machine import memory_kills, total_memory
from pipeline.tasks.needs import Needs
from pipeline.tasks.task import Result, Unit, execute

SHARE = 0.9  # of the machine's memory, for the workers; the rest is the driver's and the system's


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


@dataclass(frozen=True, slots=True)
class _Running:
    handle: Handle
    slot: int
    needs: Needs
    process: Process | None  # of the worker, to ask what it died of
    kills: int  # of the kernel for want of memory, before it began


class Processes(Executor):
    """Worker processes on this machine.

    A pool of one process each: when a worker is killed its pool breaks and is replaced, and only its task is lost (a
    shared pool would fail every task in flight). A unit waits while what runs beside it leaves too little memory or too
    few workers for what it declares; one alone always runs.
    """

    def __init__(self, root: str, workers: int, memory: int = 0, scratch: int = 0) -> None:
        """`memory` and `scratch`: bytes for all of them together; 0 for most of what the machine has, and for no limit."""
        super().__init__()
        self._workers = workers
        self._memory = memory or int(total_memory() * SHARE)
        self._root, self._scratch = root, scratch
        self._context = multiprocessing.get_context("spawn")  # forking a process with threads and models deadlocks
        self._pools = [self._pool() for _ in range(workers)]
        self._running: dict[futures.Future[Result], _Running] = {}

    @property
    def workers(self) -> int:
        return self._workers

    def wait(self, timeout: float) -> list[Finished]:
        if not self._running:
            return []
        done, _ = futures.wait(self._running, timeout, futures.FIRST_COMPLETED)
        finished = []
        for future in sorted(done, key=lambda f: self._running[f].handle):
            ran = self._running.pop(future)
            error = future.exception()
            if isinstance(error, BrokenProcessPool):
                self._pools[ran.slot].shutdown(wait=False)
                self._pools[ran.slot] = self._pool()
                error = _died_of(ran)
            finished.append(Finished(ran.handle, None if error else future.result(), error))
        self._fill()
        return finished

    def close(self) -> None:
        for pool in self._pools:
            for process in list((pool._processes or {}).values()):  # noqa: SLF001  a pool has no public kill before 3.14
                process.kill()
            pool.shutdown(wait=True, cancel_futures=True)

    def _fill(self) -> None:
        busy = {ran.slot for ran in self._running.values()}
        for slot in range(self._workers):
            if slot in busy or not self._queue or not self._fits(self._queue[0][1].needs):
                continue
            handle, unit = self._queue.popleft()
            kills = memory_kills()
            try:
                future = self._pools[slot].submit(execute, unit, self._root, None, self._scratch)
            except BrokenProcessPool:  # its process was killed while it had nothing to do
                self._pools[slot] = self._pool()
                future = self._pools[slot].submit(execute, unit, self._root, None, self._scratch)
            workers = list((self._pools[slot]._processes or {}).values())  # noqa: SLF001
            self._running[future] = _Running(handle, slot, unit.needs, workers[0] if workers else None, kills)

    def _fits(self, needs: Needs) -> bool:
        """The next in the queue goes next: a large unit is not overtaken for ever by small ones."""
        beside = [ran.needs for ran in self._running.values()]
        memory, cpus = sum(each.memory for each in beside), sum(each.cpus for each in beside)
        return not beside or (memory + needs.memory <= self._memory and cpus + needs.cpus <= self._workers)

    def _pool(self) -> futures.ProcessPoolExecutor:
        return futures.ProcessPoolExecutor(1, mp_context=self._context, initializer=leave_with_parent)


def _died_of(ran: _Running) -> WorkerDiedError:
    """What can be known of it: the signal, and whether the kernel has killed something for want of memory meanwhile."""
    deadline = time.monotonic() + 2
    while ran.process is not None and ran.process.exitcode is None and time.monotonic() < deadline:
        time.sleep(0.01)  # the pool's own thread may be about to reap it
    code = None if ran.process is None else ran.process.exitcode
    if code is None:
        return WorkerDiedError("its worker process was killed or crashed")
    if code >= 0:
        return WorkerDiedError(f"its worker process ended with exit code {code}")
    if code == -signal.SIGKILL and memory_kills() > ran.kills:
        return MemoryKillError(
            f"its worker process was killed for want of memory; it had declared {ran.needs.memory / 1e9:.1f} GB"
        )
    return WorkerDiedError(f"its worker process was killed or crashed ({signal.strsignal(-code) or -code})")


def leave_with_parent() -> None:
    """End this worker when the driver is gone (kill -9 leaves no other sign), so that nothing runs on unseen."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the driver, which ends its workers
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


class WhenNeeded(Executor):
    """Starts the runner with the first unit: a finished recipe needs no Ray and answers in a second."""

    def __init__(self, runner: str, root: str, workers: int, scratch: int = 0) -> None:
        super().__init__()
        self._arguments = runner, root, workers, scratch
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

    def publish(self, numbers: Mapping[str, float]) -> None:
        if self._opened is not None:
            self._opened.publish(numbers)

    def _fill(self) -> None:
        """The opened executor keeps the queue."""

    def _open(self) -> Executor:
        if self._opened is None:
            self._opened = open_executor(*self._arguments)
        return self._opened


def open_executor(runner: str, root: str, workers: int, scratch: int) -> Executor:
    """`runner`: 'ray' (default of the CLI), 'local' (worker processes) or 'inline' (this process). `scratch`: bytes of
    local disk that the tasks of a node may take together; 0: what the node's environment says."""
    if runner == "ray":
        from pipeline.on_ray import RayTasks

        return RayTasks(root, workers, scratch)
    if runner == "local":
        return Processes(root, workers or os.cpu_count() or 1, scratch=scratch)
    return Inline(root)
