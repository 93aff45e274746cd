from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stages.guard import Guard, Lost, UnavailableError, guard
from tests.runs import ROOT, hear_ctrl_c


@pytest.fixture(scope="module")
def child() -> Iterator[Guard]:
    one = Guard("tests.guard_targets:serve", deadline=20.0, memory=2 << 30)
    yield one
    one.close()


def alive(pid: int) -> bool:
    """Whether the process runs; a zombie that nobody has reaped yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone_within(seconds: float, pid: int) -> bool:
    until = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.02)
    return not alive(pid)


def test_payload_larger_than_a_pipe_comes_back_whole(child: Guard) -> None:
    payload = os.urandom(3_000_001)
    assert child.call(payload) == payload


def test_empty_payload(child: Guard) -> None:
    assert child.call(b"") == b""


def test_child_is_kept_between_documents(child: Guard) -> None:
    assert child.call(b"pid") == child.call(b"pid") != str(os.getpid()).encode()


@pytest.mark.parametrize(
    ("poison", "kind", "detail"),
    [
        (b"segfault", "crash", "SIGSEGV"),
        (b"exit", "crash", "exit code 3"),
        (b"eat memory", "memory", str(2 << 30)),
        (b"raise", "raised", "ValueError: 改行 を含む"),
    ],
)
def test_poison_costs_exactly_itself(child: Guard, poison: bytes, kind: str, detail: str) -> None:
    assert child.call(b"before") == b"before"
    with pytest.raises(Lost) as lost:
        child.call(poison)
    assert lost.value.kind == kind
    assert detail in lost.value.detail
    assert child.call(b"after") == b"after"


def test_a_child_killed_from_outside_once_costs_nothing(child: Guard, tmp_path: Path) -> None:
    """The out-of-memory killer, or somebody's kill -9, says nothing of the document: it is tried in a fresh child."""
    assert child.call(f"killed once {tmp_path / 'flag'}".encode()) == b"survived"


def test_a_child_killed_twice_fails_the_task_and_not_the_document(child: Guard) -> None:
    with pytest.raises(UnavailableError, match="killed twice from outside"):
        child.call(b"killed")
    assert child.call(b"after") == b"after"


@pytest.mark.parametrize("poison", [b"hang in C", b"sleep"])
def test_deadline_kills_and_goes_on(child: Guard, poison: bytes) -> None:
    hanging = int(child.call(b"pid"))
    child.deadline = 0.3
    try:
        with pytest.raises(Lost) as lost:
            child.call(poison)
    finally:
        child.deadline = 20.0
    assert lost.value.kind == "deadline"
    assert gone_within(1.0, hanging)
    assert child.call(b"after") == b"after"


def test_noise_on_stdout_stays_out_of_the_frames(child: Guard) -> None:
    assert child.call(b"print") == b"print"
    assert child.call(b"after") == b"after"


def test_child_does_not_share_stdin(child: Guard) -> None:
    assert child.call(b"read stdin") == b""


def test_death_between_documents_is_not_charged_to_the_next(child: Guard) -> None:
    os.kill(int(child.call(b"pid")), signal.SIGKILL)
    time.sleep(0.1)
    assert child.call(b"next") == b"next"


def test_order_of_sets_is_the_same_in_every_child(child: Guard) -> None:
    first = child.call(b"hash of a set")
    child.close()
    assert child.call(b"hash of a set") == first


def test_close_leaves_no_process_and_no_descriptor(child: Guard) -> None:
    child.close()
    before = sorted(os.listdir("/proc/self/fd"))
    pid = int(child.call(b"pid"))
    child.close()
    assert not alive(pid)
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_target_that_cannot_be_imported_is_an_error_not_a_lost_document() -> None:
    with pytest.raises(RuntimeError, match="no_such_module:serve"):
        Guard("no_such_module:serve").call(b"")


def test_one_guard_for_each_process_and_target() -> None:
    assert guard("tests.guard_targets:serve") is guard("tests.guard_targets:serve")
    assert guard("tests.guard_targets:serve") is not guard("tests.guard_targets:serve", deadline=1.0)


PARENT = """
    import signal, sys, threading
    sys.path.insert(0, {root!r})
    from stages.guard import guard
    child = guard("tests.guard_targets:serve")
    print(child.call(b"pid").decode(), flush=True)
    child.call({call!r})
"""


def parent_of(call: bytes) -> tuple[subprocess.Popen[str], int]:
    """A process with a guard that is busy with `call`, and the pid of its child. Run elsewhere than in the checkout."""
    code = textwrap.dedent(PARENT).format(root=str(ROOT), call=call)
    parent = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
        process_group=0,
        preexec_fn=hear_ctrl_c,
    )
    assert parent.stdout is not None
    return parent, int(parent.stdout.readline())


@pytest.mark.parametrize("busy", [b"hang in C", b"sleep"])
def test_child_dies_with_its_killed_parent(busy: bytes) -> None:
    parent, child = parent_of(busy)
    time.sleep(0.1)
    parent.kill()
    parent.communicate()
    assert gone_within(5.0, child)


def test_ctrl_c_ends_both_and_the_child_says_nothing() -> None:
    parent, child = parent_of(b"sleep")
    time.sleep(0.1)
    os.killpg(parent.pid, signal.SIGINT)
    _, errors = parent.communicate(timeout=5)
    assert gone_within(5.0, child)
    assert errors.count("Traceback") == 1 and "KeyboardInterrupt" in errors


def test_child_ends_with_a_parent_that_ends_by_itself() -> None:
    parent, child = parent_of(b"")
    parent.communicate(timeout=10)
    assert parent.returncode == 0
    assert gone_within(5.0, child)
