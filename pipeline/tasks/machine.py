"""What this machine and this process have of memory, as far as the system tells (Linux; elsewhere less is known)."""

from __future__ import annotations

import contextlib
import os
import resource
import sys
from pathlib import Path

_CGROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_KILLS = ("/sys/fs/cgroup/memory.events", "/proc/vmstat")  # lines `oom_kill N`


def total_memory() -> int:
    """Bytes that everything here may take together: of the machine, or of the container where that has less."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for file in _CGROUPS:
        with contextlib.suppress(OSError, ValueError):  # absent, or `max`
            found.append(int(Path(file).read_text()))
    return min(found)


def peak_memory() -> int:
    """Most bytes of memory that this process has held since it began."""
    told = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return told if sys.platform == "darwin" else told * 1024


def held_memory() -> int:
    """Bytes of memory that this process holds; the most it has held where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return peak_memory()


def memory_kills() -> int:
    """Processes that the kernel has killed for want of memory, here or in this container; 0 where it does not tell."""
    found = [0]
    for file in _KILLS:
        with contextlib.suppress(OSError, ValueError):
            lines = [line.split() for line in Path(file).read_text().splitlines()]
            found += [int(line[1]) for line in lines if line[0] == "oom_kill"]
    return sum(found)
