"""`seimai submit` against a real head: hands in, follows, survives lost connections and kills, tells the job's fate."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.clusters import free_port, head
from tests.runs import QUICKSTART, ROOT, Ran, finish, hear_ctrl_c, places, seimai, tree

TOKEN = "correct-horse-battery-staple"


def start(cluster: dict[str, str], *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline", "submit", *map(str, arguments)],
        cwd=ROOT,
        env=cluster,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_ctrl_c,
    )


def submit(cluster: dict[str, str], *arguments: object) -> Ran:
    return finish(start(cluster, *arguments))


def wait_for(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came this far"
        time.sleep(0.05)


def markers(folder: Path) -> int:
    return len(list(folder.glob("work/stages/*/*/commit/*.json")))


def driver_of(folder: Path) -> psutil.Process:
    """The process on the cluster that schedules the run of this work folder (its shell has the same words)."""
    found = [p for p in psutil.process_iter(["cmdline"]) if str(folder / "work") in (p.info["cmdline"] or [])]
    return next(p for p in found if "run" in p.info["cmdline"] and "submit" not in p.info["cmdline"])


class Wire:
    """A TCP relay that can be cut, and joined again."""

    def __init__(self, to: int) -> None:
        self.port, self._to, self._open, self._ends = free_port(), to, True, list[socket.socket]()
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._open = False
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def join(self) -> None:
        self._open = True

    def close(self) -> None:
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                here, _ = self._listener.accept()
                if not self._open:
                    here.close()
                    continue
                there = socket.create_connection(("127.0.0.1", self._to))
                self._ends += [here, there]
                for one, other in ((here, there), (there, here)):
                    threading.Thread(target=self._copy, args=(one, other), daemon=True).start()

    @staticmethod
    def _copy(one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        with contextlib.suppress(OSError):
            other.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def wire(cluster: dict[str, str]) -> Iterator[Wire]:
    wire = Wire(int(cluster["RAY_API_SERVER_ADDRESS"].rpartition(":")[2]))
    yield wire
    wire.close()


def test_a_killed_job_and_a_cut_wire_cost_nothing(
    cluster: dict[str, str], wire: Wire, golden_run: Path, tmp_path: Path
) -> None:
    killed = start(cluster, QUICKSTART, *places(tmp_path), "--workers", 2)
    wait_for(lambda: markers(tmp_path) >= 1)
    os.kill(driver_of(tmp_path).pid, signal.SIGKILL)
    ran = finish(killed)
    assert ran.code == 1, ran.err
    assert "failed (exit code" in ran.err
    assert "the same command goes on from there" in ran.err
    assert not (tmp_path / "release" / "manifest.json").exists()

    again = start(cluster, QUICKSTART, *places(tmp_path), "--address", f"127.0.0.1:{wire.port}")
    before = markers(tmp_path)
    wait_for(lambda: markers(tmp_path) > before)
    wire.cut()
    time.sleep(3)  # the copy of the log breaks, and what asks again meets a closed door
    wire.join()
    ran = finish(again)
    assert ran.code == 0, ran.err
    assert "lost the connection" in ran.err
    assert ran.out.count("Running entrypoint for job") == 1, "what was shown before the cut is not shown again"
    assert ran.out.count("quickstart: from 105 records to 58 documents") == 1
    assert tree(tmp_path / "release") == tree(golden_run / "release")


def test_ctrl_c_leaves_the_job_to_itself_and_stop_ends_it(cluster: dict[str, str], tmp_path: Path) -> None:
    handed = submit(cluster, QUICKSTART, *places(tmp_path), "--no-wait")
    assert (handed.code, handed.err) == (0, "")
    id = handed.out.strip()
    following = start(cluster, "--follow", id)
    assert following.stdout is not None
    assert following.stdout.readline()
    wait_for(lambda: markers(tmp_path) >= 1)
    following.send_signal(signal.SIGINT)
    ran = finish(following)
    assert ran.code == 130
    assert f"job {id} goes on without us" in ran.err
    driver_of(tmp_path).suspend()  # the sample would be done before the next command has begun
    stopped = submit(cluster, "--stop", id)
    assert (stopped.code, stopped.out) == (0, "")
    assert f"job {id} is stopped" in stopped.err
    assert submit(cluster, "--follow", id).code == 1
    with pytest.raises(StopIteration):
        driver_of(tmp_path)


def test_wrong_use_that_only_the_cluster_can_see(cluster: dict[str, str], tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        f'name = "x"\n[[source]]\nname = "s"\nkind = "warc"\nfiles = ["{tmp_path}/none.warc.gz"]\n[output]\n'
    )
    ran = submit(cluster, recipe, *places(tmp_path))
    assert ran.code == 2, ran.err
    assert "none.warc.gz: no such file" in ran.out


def test_a_cluster_with_a_token(tmp_path: Path) -> None:
    bad = tmp_path / "bad.warc.gz"
    bad.write_bytes(b"no WARC at all")
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('name = "bad"\n[[source]]\nname = "s"\nkind = "warc"\nfiles = ["bad.warc.gz"]\n[output]\n')
    with head("token", RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=TOKEN) as environment:
        without = submit(environment, recipe, *places(tmp_path))
        shown = {**environment, "RAY_AUTH_MODE": "token"}
        wrong = submit({**shown, "RAY_AUTH_TOKEN": "another"}, recipe, *places(tmp_path))
        right = submit({**shown, "RAY_AUTH_TOKEN": TOKEN}, recipe, *places(tmp_path))
    for ran, told in ((without, "asks for a token: set RAY_AUTH_MODE=token"), (wrong, "refuses the token")):
        assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1), ran.err
        assert told in ran.err
    assert right.code == 1, "the job was taken, and fell short"
    assert "1 of the tasks failed" in right.out
    assert TOKEN not in right.out + right.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((QUICKSTART,), "which cluster"),
        ((QUICKSTART, "--address", "http://127.0.0.1:1"), "temporary copy that is deleted"),
        ((QUICKSTART, "--address", "http://127.0.0.1:1", "--work", "/mnt/w", "--release", "/mnt/r"), "no Ray cluster"),
        (("--follow", "x", "--stop", "x"), "one of them"),
        ((), "one of them"),
    ],
)
def test_wrong_use_is_one_line(arguments: tuple[object, ...], told: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    ran = submit(environment, *arguments)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1), ran.err
    assert told in ran.err


def test_help_needs_no_ray() -> None:
    assert "--no-wait" in seimai("submit", "--help").out
