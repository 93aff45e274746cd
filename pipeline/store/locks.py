"""Who may work in a folder: any number of runs at once, or one removal alone.

A lock is on the folder itself, leaves no file, and the kernel lets go of it when its holder dies.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import UsageError


@contextlib.contextmanager
def running(*folders: Path) -> Iterator[None]:
    """Beside other runs, and not while something is removed."""
    with _held(fcntl.LOCK_SH, folders, "something is being removed from it"):
        yield


@contextlib.contextmanager
def removing(*folders: Path) -> Iterator[None]:
    """Alone: no run, no other removal."""
    with _held(fcntl.LOCK_EX, folders, "a run or another removal is at work in it"):
        yield


@contextlib.contextmanager
def _held(how: int, folders: tuple[Path, ...], who: str) -> Iterator[None]:
    """UsageError at once, in one line, where somebody else holds a folder."""
    with contextlib.ExitStack() as stack:
        for folder in dict.fromkeys(map(os.path.realpath, folders)):
            descriptor = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, descriptor)
            try:
                fcntl.flock(descriptor, how | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UsageError(f"{folder}: {who}; run this again when that has ended") from None
            except OSError:  # a file system without locks
                continue
        yield
