"""The budget of the local disk: tasks wait for room, and a full disk is named and waited for."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.commit.commit import stage_fingerprint
from pipeline.errors import DiskFullError, UsageError
from pipeline.store.folder import LocalStore
from pipeline.tasks import scratch
from pipeline.tasks.needs import Needs
from pipeline.tasks.scratch import RESERVED, full_disks_named, room, size_of
from pipeline.tasks.task import Unit, execute
from tests.engine.test_commit import PART, Numbers
from tests.runs import QUICKSTART, places, seimai, start


@pytest.mark.parametrize(
    ("said", "bytes"), [("200GB", 200 * 10**9), ("1.5 tb", 1_500 * 10**9), ("800M", 8 * 10**8), ("7", 7)]
)
def test_sizes(said: str, bytes: int) -> None:
    assert size_of(said, "--scratch") == bytes


@pytest.mark.parametrize("said", ["much", "-1GB", "0", "GB", "5XB", "nan", "inf"])
def test_a_size_that_cannot_be_read_is_wrong_use(said: str) -> None:
    with pytest.raises(UsageError, match="--scratch"):
        size_of(said, "--scratch")


def test_the_command_line_and_the_environment_say_so_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = seimai("run", QUICKSTART, "--runner", "local", "--scratch", "much", *places(tmp_path))
    assert (ran.code, "--scratch: 'much' is no size" in ran.err) == (2, True)
    monkeypatch.setenv(scratch.LIMIT, "more")
    ran = seimai("run", QUICKSTART, "--runner", "local", *places(tmp_path))
    assert (ran.code, "SEIMAI_SCRATCH: 'more' is no size" in ran.err) == (2, True)


def test_never_more_than_the_budget_at_once_but_one_alone_always(tmp_path: Path) -> None:
    store, held, most = LocalStore(tmp_path), [], []

    def take(share: int) -> None:
        with store.scratch() as own, room(own, Needs(scratch=share), limit=100):
            held.append(share)
            most.append(sum(held))
            time.sleep(0.05)
            held.remove(share)

    threads = [threading.Thread(target=take, args=(share,)) for share in (60, 60, 40, 30, 500)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 5
    assert max(together for together in most if together != 500) <= 100
    assert not list((tmp_path / "scratch").iterdir())


def test_what_a_killed_task_held_is_free_and_what_a_living_one_holds_is_not(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    with store.scratch() as own:
        other = own.parent / f"{own.name.split('-')[0]}-{sleeper.pid}-x"
        other.mkdir()
        (other / RESERVED).write_text("90")
        assert not scratch._taken(own, Needs(scratch=20), 100)
        assert scratch._taken(own, Needs(scratch=10), 100)
        sleeper.kill()
        sleeper.wait()
        assert scratch._taken(own, Needs(scratch=20), 100)


def test_a_fetch_does_not_start_where_the_disk_has_less(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    huge = Needs(fetched=1 << 60, scratch=1 << 60)
    with store.scratch() as own, pytest.raises(DiskFullError, match="GB free"), room(own, huge, limit=0, patience=0):
        pytest.fail("it began")
    with store.scratch() as own, room(own, Needs(scratch=1 << 60), limit=0):
        assert (own / RESERVED).exists(), "an estimate alone is no reason not to try"


def test_a_full_disk_is_named_and_other_errors_are_left_alone(tmp_path: Path) -> None:
    named = pytest.raises(DiskFullError, match=f"{tmp_path}: no space left")
    with named, full_disks_named(tmp_path, tmp_path / "absent"):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(PermissionError), full_disks_named(tmp_path):
        raise PermissionError(errno.EACCES, "Permission denied")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 1 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root may mount a small file system")
    yield place
    subprocess.run(["umount", place], check=True)


def test_on_a_disk_that_is_really_full(small_disk: Path) -> None:
    stage = Numbers()
    unit = Unit("u", (stage,), (stage_fingerprint(stage),), (PART,), 1)
    filler = small_disk / "filler"
    with filler.open("wb") as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(os.urandom(1 << 16))
            file.flush()
    with pytest.raises(DiskFullError, match=str(small_disk)):
        execute(unit, str(small_disk))
    assert not list(small_disk.glob("stages/*/*/commit/*"))
    filler.unlink()
    assert execute(unit, str(small_disk)).ran == ("numbers",)


def test_a_run_on_a_full_disk_ends_with_the_disk_in_its_line(small_disk: Path, tmp_path: Path) -> None:
    (small_disk / "filler").write_bytes(os.urandom(950_000))
    process = start(
        "run", QUICKSTART, "--runner", "local", "--workers", "2", "--work", small_disk, "--release", tmp_path / "r"
    )
    out, err = process.communicate(timeout=240)
    assert process.returncode == 1, out + err
    assert f"{small_disk}" in err
    assert "no space left" in err.lower()
    assert "Traceback" not in err
