"""Room on the local disk: how much of it the tasks of one node may take together, and what happens when it is full.

Every scratch folder of a task holds a file that says how many bytes the task means to take. A task begins when its share
fits into the budget of the node beside those of the living, and waits until then; one alone always may. So it is the
same for worker processes, Ray and several runs at once, and a killed task gives its share back by being dead.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import DiskFullError, UsageError
from pipeline.store.processes import alive
from pipeline.tasks.needs import Needs

LIMIT = "SEIMAI_SCRATCH"  # environment: the budget of this node, e.g. 200GB
PATIENCE = 600.0  # seconds that a task waits for room on the disk before that counts as an attempt
RESERVED = "reserved"  # in a scratch folder: bytes its task means to take
_LOOK_EVERY = 0.5  # seconds
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def size_of(text: str, where: str) -> int:
    """Bytes of '200GB', '1.5 TB', '800M' or a plain number. UsageError names `where`."""
    said = text.upper().replace(" ", "").removesuffix("B")
    number, unit = (said[:-1], said[-1]) if said and said[-1].isalpha() else (said, "")
    with contextlib.suppress(KeyError, ValueError, OverflowError):
        if (size := int(float(number) * _UNITS[unit])) > 0:
            return size
    raise UsageError(f"{where}: {text!r} is no size; write it as 200GB or 1.5TB")


def budget() -> int:
    """Bytes that tasks on this node may take together, by its environment; 0: as many as the disk has."""
    return size_of(os.environ[LIMIT], LIMIT) if os.environ.get(LIMIT) else 0


@contextlib.contextmanager
def room(folder: Path, needs: Needs, limit: int, patience: float = PATIENCE) -> Iterator[None]:
    """Hold `needs.scratch` of the node's `limit` (bytes; 0: none is set) while the body runs.

    `folder`: a scratch folder of this task, beside which those of others lie. DiskFullError when there is no room on the
    disk for `patience` seconds. Waiting for the budget has no end: it is the work of others, which ends.
    """
    deadline = time.monotonic() + patience
    while not _taken(folder, needs, limit):
        if needs.fetched > (free := shutil.disk_usage(folder).free) and time.monotonic() > deadline:
            raise DiskFullError(
                f"{folder.parent}: {free / 1e9:.1f} GB free, {needs.fetched / 1e9:.1f} GB are to be fetched; make room on "
                "that disk, or give the node a larger one"
            )
        time.sleep(_LOOK_EVERY)
    try:
        yield
    finally:
        (folder / RESERVED).unlink(missing_ok=True)


def _taken(folder: Path, needs: Needs, limit: int) -> bool:
    lock = os.open(folder.parent, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        others = sum(_reserved(folder))
        free = shutil.disk_usage(folder).free
        if needs.fetched > free or (others and needs.scratch > free):
            return False  # what others hold comes back; alone, an estimate is no reason not to try
        if limit and others and others + needs.scratch > limit:
            return False
        (folder / RESERVED).write_text(str(needs.scratch))
        return True
    finally:
        os.close(lock)


def _reserved(folder: Path) -> Iterator[int]:
    """What the living tasks of this node hold beside this one."""
    here = folder.name.partition("-")[0]
    for file in folder.parent.glob(f"{here}-*/{RESERVED}"):
        pid = file.parent.name.split("-")[1]
        if pid.isdigit() and alive(int(pid)):
            with contextlib.suppress(OSError, ValueError):  # it has just ended
                yield int(file.read_text())


@contextlib.contextmanager
def full_disks_named(*places: Path) -> Iterator[None]:
    """A write that fails for want of room says on which disk: the fullest of those that a task writes to."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        here = [place for place in places if place.exists()] or [Path(tempfile.gettempdir())]
        free = {place: shutil.disk_usage(place).free for place in here}
        place = min(free, key=lambda place: free[place])
        raise DiskFullError(
            f"{place}: no space left ({free[place] / 1e6:.0f} MB free); make room on that disk: the task is tried again, "
            "and what was committed counts"
        ) from None
