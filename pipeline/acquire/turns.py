"""Turns: one cap on requests in flight and on requests per second, for everything that runs at once.

A turn is asked for before every request, also a repeated one, and held until the last byte of its answer.
"""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

POLL = 0.02  # seconds between two looks for a free slot; only the first in the queue looks


class Turns(Protocol):
    def take(self) -> AbstractContextManager[None]:
        """Wait for a turn; it ends with the context."""


class NoTurns:
    """No cap: for an origin that costs nobody anything, such as a folder or a test's own server."""

    def take(self) -> AbstractContextManager[None]:
        return contextlib.nullcontext()


@dataclass(frozen=True)
class LocalTurns:
    """Turns for all processes and threads of one machine, and for all runs that share `folder`.

    A slot is a locked file, so the kernel frees it when its process dies, however it dies.
    """

    folder: Path
    connections: int  # turns taken at once
    per_second: float  # turns begun per second, evenly spaced

    @contextlib.contextmanager
    def take(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._slot():
            time.sleep(max(0.0, self._reserve() - time.time()))
            yield

    def _slot(self) -> ExitStack:
        """One of the slot files, locked."""
        # Those who wait sleep in the kernel, behind the one that looks around.
        with ExitStack() as slot, self._locked("queue", fcntl.LOCK_EX):
            while True:
                for number in range(self.connections):
                    with contextlib.suppress(BlockingIOError):
                        slot.enter_context(self._locked(f"slot-{number}", fcntl.LOCK_EX | fcntl.LOCK_NB))
                        return slot.pop_all()
                time.sleep(POLL)

    def _reserve(self) -> float:
        """The moment at which this request may begin, in seconds of the epoch: a clock that processes share."""
        with self._locked("rate", fcntl.LOCK_EX) as file:
            now, gap = time.time(), 1 / self.per_second
            # Nobody reserves without a slot, so a later moment than this comes from a clock that was set back.
            latest = now + gap * self.connections
            start = min(max(now, _number(file.read())), latest)
            file.seek(0)
            file.truncate()
            file.write(repr(start + gap))
            return start

    @contextlib.contextmanager
    def _locked(self, name: str, how: int) -> Iterator[IO[str]]:
        with (self.folder / name).open("a+") as file:
            # A lock belongs to the opened file, not to the process: threads wait for each other too.
            fcntl.flock(file, how)
            file.seek(0)
            yield file


def _number(text: str) -> float:
    """What an earlier turn left; a killed one may have left nothing."""
    try:
        return float(text)
    except ValueError:
        return 0.0
