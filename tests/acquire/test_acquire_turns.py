"""One cap on requests for all processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

from pipeline.acquire.remote import (
    read,
)
from pipeline.acquire.turns import LocalTurns
from tests.fetching import CONTENT, NET
from tests.servers import (
    Server,
)

# Turns


def reader(url: str, turns: LocalTurns, times: int) -> None:
    for start in range(times):
        read(url, start, 9, NET, turns)


def test_the_cap_holds_across_processes(server: Server, tmp_path: Path) -> None:
    server.put("/a", CONTENT)
    server.pause = 0.03
    turns = LocalTurns(tmp_path, 2, 1000)
    context = multiprocessing.get_context("spawn")
    readers = [context.Process(target=reader, args=(server.url("/a"), turns, 8)) for _ in range(2)]
    for process in readers:
        process.start()
    threads = [threading.Thread(target=reader, args=(server.url("/a"), turns, 20)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for process in readers:
        process.join()
    assert [process.exitcode for process in readers] == [0, 0]
    assert len(server.asked) == 2 * 8 + 3 * 20
    assert server.peak == 2


def test_requests_are_spaced(tmp_path: Path) -> None:
    turns = LocalTurns(tmp_path, 4, 20)
    began: list[float] = []

    def take() -> None:
        with turns.take():
            began.append(time.monotonic())

    threads = [threading.Thread(target=take) for _ in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    began.sort()
    assert began[-1] - began[0] > 0.3  # eight gaps of 0.05 s, less what the first was late


def test_a_clock_that_was_set_back_stops_nobody(tmp_path: Path) -> None:
    turns = LocalTurns(tmp_path, 2, 100)
    (tmp_path / "rate").write_text(repr(time.time() + 10**6))
    began = time.monotonic()
    with turns.take():
        assert time.monotonic() - began < 60


def holder(turns: LocalTurns, holds: object) -> None:
    with turns.take():
        holds.set()  # type: ignore[attr-defined]
        time.sleep(60)


def test_a_killed_process_gives_its_turn_back(tmp_path: Path) -> None:
    turns = LocalTurns(tmp_path, 1, 1000)
    context = multiprocessing.get_context("spawn")
    holds = context.Event()
    process = context.Process(target=holder, args=(turns, holds))
    process.start()
    assert holds.wait(30)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    with turns.take():
        pass
