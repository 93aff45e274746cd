"""A disk that is full, and grows: a small file system of its own (tmpfs in a mount namespace, where the system allows it)."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

from tests.runs import ROOT

# Each time the run falls short the disk grows to twice of what it had; what came of it is told line by line.
_SCRIPT = """
set -u
mount -t tmpfs -o size={size}k none {disk} || exit 77
size={size} code=1
while [ $code -ne 0 ] && [ $size -lt {most} ]; do
    {run} --work {disk}/work --release {disk}/release 2> {disk}.err
    code=$?
    echo "$size $code $(grep -c Traceback {disk}.err) $(grep -ci 'no space left' {disk}.err)"
    [ $code -eq 0 ] || size=$((size * 2))
    mount -o remount,size=${{size}}k {disk}
done
cp -r {disk}/. {copy}
"""


def available() -> bool:
    """Whether a file system can be mounted here without being the administrator."""
    command = ["unshare", "--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]
    try:
        return subprocess.run(command, capture_output=True, timeout=20, check=False).returncode == 0
    except FileNotFoundError:
        return False


def fill_up(recipe: Path, folder: Path, size: int, most: int = 1 << 20) -> list[tuple[int, int, int, int]]:
    """Runs a recipe on a disk of `size` kB, which grows until it is enough; `folder` then holds what is on it.

    Returns of each run: kB, exit code, tracebacks, lines that say that the disk is full.
    """
    disk = folder.with_name(f"{folder.name}-disk")
    for each in (disk, folder):
        each.mkdir()
    run = shlex.join([sys.executable, "-m", "pipeline", "run", str(recipe), "--runner", "local", "--workers", "1"])
    script = _SCRIPT.format(size=size, most=most, disk=shlex.quote(str(disk)), copy=shlex.quote(str(folder)), run=run)
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert ran.returncode == 0, ran.stderr
    rows = [tuple(map(int, line.split())) for line in ran.stdout.splitlines() if line[:1].isdigit()]
    return [(kb, code, tracebacks, told) for kb, code, tracebacks, told in rows]
