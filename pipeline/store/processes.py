"""Processes of this machine, and the scratch folders that are named after them: whose they are, and whether they still run."""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path


@contextlib.contextmanager
def scratch_in(base: Path) -> Iterator[Path]:
    """A fresh folder in `base`, whose name tells whose it is."""
    base.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{processes_here()}-{os.getpid()}-", dir=base))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep_scratch(root: Path) -> None:
    """Remove what killed processes left in scratch. Only of this host and container: elsewhere a pid means another."""
    here = processes_here()
    for folder in (root / "scratch").glob(f"{here}-*"):
        pid = folder.name.removeprefix(f"{here}-").split("-", 1)[0]
        if pid.isdigit() and not alive(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


def process_is_gone(folder: str, *, here: bool = False) -> bool | None:
    """Whether the process that a folder of scratch is named after has ended; None where that cannot be told from here.

    `here`: the name is a pid of this host and container.
    """
    pid = folder if here else folder.removeprefix(f"{processes_here()}-").split("-", 1)[0]
    if not pid.isdigit() or (not here and not folder.startswith(f"{processes_here()}-")):
        return None
    return not alive(int(pid))


@lru_cache(maxsize=1)
def processes_here() -> str:
    """A name for the set of processes that pids of ours belong to: the host and, on Linux, the pid namespace."""
    try:
        namespace = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        namespace = 0
    return hashlib.sha256(f"{platform.node()} {namespace}".encode()).hexdigest()[:12]


def alive(pid: int) -> bool:
    """Whether a process of this host and container runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
