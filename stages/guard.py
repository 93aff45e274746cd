"""The net below: a child process that runs one function on one document at a time, and may die of it.

Time limits inside the process do not hold: a signal handler waits until C code returns, which took 43 s for one page
with a limit of 3. So the parent waits on a pipe with a deadline, kills the child when it passes, and goes on with a
fresh one: a document costs itself, never its neighbours.

Child and parent exchange frames: one byte for the kind, eight for the length, then the payload. They go over two pipes
of their own, so that what a library prints never ends up in a frame. The child is started as `python -m stages.guard`:
the spawn method of multiprocessing would run the parent's `__main__` again, which inside a Ray worker is Ray's own.
"""

from __future__ import annotations

import atexit
import ctypes
import importlib
import os
import resource
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NoReturn

Kind = Literal["crash", "deadline", "memory", "raised"]

_HEADER = struct.Struct("<cQ")
_READY, _CALL, _RESULT, _RAISED, _MEMORY = b"S", b"C", b"R", b"E", b"M"
_START_SECONDS = 120  # importing the target on a machine under load; longer means that it hangs
_PR_SET_PDEATHSIG = 1


class Lost(Exception):  # noqa: N818 - the document is in error, the program is not
    """The document of this call is lost; the guard itself goes on.

    `kind`: 'crash' (the child died), 'deadline' (killed by the parent), 'memory' (over the limit, or killed by the
    system, which does so when memory runs out), 'raised' (an exception of the target).
    """

    def __init__(self, kind: Kind, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail


class UnavailableError(RuntimeError):
    """No child can do the work, whatever the document: the task fails and is tried again."""


class _EndedError(Exception):
    """The child has ended while it worked on a document."""

    def __init__(self, code: int) -> None:
        super().__init__(f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}")
        self.code = code


class Guard:
    """Runs `target` ('module:function', bytes to bytes) in a child with a deadline in seconds and a limit in bytes.

    The child is started by the first call and kept. Not for use by several threads at once; see `guard`.
    """

    def __init__(self, target: str, *, deadline: float = 120.0, memory: int = 4 << 30) -> None:
        self.target = target
        self.deadline = deadline
        self.memory = memory
        self._child: subprocess.Popen[bytes] | None = None
        self._requests = -1
        self._answers = -1

    def call(self, payload: bytes) -> bytes:
        """What the target returns for `payload`.

        Raises Lost when the document is at fault: it raised, or took too long, or ended a fresh child as it had ended
        the one before. A child that was killed from outside twice (the system ran out of memory, somebody typed kill)
        says nothing of the document: UnavailableError, so that the task is tried again and no loss is committed.
        """
        try:
            return self._call(payload)
        except _EndedError:
            try:
                return self._call(payload)
            except _EndedError as ended:
                if ended.code == -signal.SIGKILL:
                    raise UnavailableError(
                        f"the child running {self.target} was killed twice from outside (SIGKILL)"
                    ) from None
                raise Lost("crash", f"the child running {self.target} ended {ended}") from None

    def _call(self, payload: bytes) -> bytes:
        if self._child is None or self._child.poll() is not None:  # it died between two documents: nobody's fault
            self._start()
        until = time.monotonic() + self.deadline
        try:
            self._send(_CALL, payload, until)
            kind, answer = self._receive(until)
        except TimeoutError:
            self.close()
            raise Lost("deadline", f"{self.target} took more than {self.deadline:g} s") from None
        except (EOFError, BrokenPipeError):
            raise self._ended() from None
        except BaseException:  # Ctrl-C between two frames: the next call must not read the answer of this one
            self.close()
            raise
        if kind == _RAISED:
            raise Lost("raised", answer.decode())
        if kind == _MEMORY:
            self.close()
            raise Lost("memory", f"{self.target} needs more than the limit of {self.memory} bytes")
        return answer

    def close(self) -> None:
        """Kill the child, if there is one; the next call starts another."""
        if self._child is None:
            return
        self._child.kill()
        self._child.wait()
        os.close(self._requests)
        os.close(self._answers)
        self._child = None

    def _start(self) -> None:
        self.close()
        child_reads, self._requests = os.pipe()
        self._answers, child_writes = os.pipe()
        for end in (self._requests, self._answers):
            os.set_blocking(end, False)
        root = str(Path(__file__).parent.parent)
        environment = os.environ | {
            # The child sees the modules that the parent sees, `stages` from where the parent has it.
            "PYTHONPATH": os.pathsep.join([root, *(entry for entry in sys.path if entry)]),
            "PYTHONHASHSEED": "0",  # a library that walks a set does so in the same order in every child
        }
        command = [sys.executable, "-P", "-m", "stages.guard", self.target]
        command += [str(number) for number in (os.getpid(), self.memory, child_reads, child_writes)]
        try:
            self._child = subprocess.Popen(
                command,
                env=environment,
                pass_fds=(child_reads, child_writes),
                stdin=subprocess.DEVNULL,
                stdout=2,
                start_new_session=True,  # Ctrl-C on the terminal reaches the parent only, which then decides
            )
        finally:
            os.close(child_reads)
            os.close(child_writes)
        try:
            self._receive(time.monotonic() + _START_SECONDS)
        except (EOFError, TimeoutError) as error:
            self.close()
            raise UnavailableError(f"cannot start {' '.join(command)}: see the error of the child above") from error

    def _ended(self) -> _EndedError:
        assert self._child is not None
        code = self._child.wait()
        self.close()
        return _EndedError(code)

    def _send(self, kind: bytes, payload: bytes, until: float) -> None:
        for part in (_HEADER.pack(kind, len(payload)), payload):
            view = memoryview(part)
            while view:
                _wait(self._requests, select.POLLOUT, until)
                view = view[os.write(self._requests, view) :]

    def _receive(self, until: float) -> tuple[bytes, bytes]:
        kind, length = _HEADER.unpack(self._read(_HEADER.size, until))
        return kind, self._read(length, until)

    def _read(self, size: int, until: float) -> bytes:
        data = bytearray()
        while len(data) < size:
            _wait(self._answers, select.POLLIN, until)
            piece = os.read(self._answers, min(size - len(data), 1 << 20))
            if not piece:
                raise EOFError
            data += piece
        return bytes(data)


def _wait(descriptor: int, event: int, until: float) -> None:
    poll = select.poll()
    poll.register(descriptor, event)
    if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
        raise TimeoutError


_guards: dict[tuple[object, ...], Guard] = {}


def guard(target: str, *, deadline: float = 120.0, memory: int = 4 << 30) -> Guard:
    """The guard of this process and thread for `target`: imports are paid once, not for each partition.

    One for each thread, because the system ties the life of a child to the thread that started it.
    """
    key = (os.getpid(), threading.get_ident(), target, deadline, memory)
    if key not in _guards:
        if not _guards:
            atexit.register(_close_all)
        _guards[key] = Guard(target, deadline=deadline, memory=memory)
    return _guards[key]


def _close_all() -> None:
    for key, one in _guards.items():
        if key[0] == os.getpid():  # after a fork the children belong to the parent
            one.close()


# What follows runs in the child.


def _serve(target: Callable[[bytes], bytes], requests: int, answers: int) -> None:
    """Answer calls until the parent closes its end of the pipe."""
    with open(requests, "rb") as reader, open(answers, "wb") as writer:

        def answer(kind: bytes, payload: bytes = b"") -> None:
            writer.write(_HEADER.pack(kind, len(payload)) + payload)
            writer.flush()

        answer(_READY)
        while header := reader.read(_HEADER.size):
            _, length = _HEADER.unpack(header)
            try:
                answer(_RESULT, target(reader.read(length)))
            except MemoryError:
                answer(_MEMORY)
            except Exception as error:  # whatever it is, the parent records it with the document
                line = " ".join(f"{type(error).__name__}: {error}".split())
                answer(_RAISED, line[:500].encode(errors="backslashreplace"))


def die_with(parent: int) -> None:
    """Have the system kill this process when its parent is gone, even if that was killed and this hangs in C."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above
        os._exit(0)


def _main(target: str, parent: str, memory: str, requests: str, answers: str) -> NoReturn:
    die_with(int(parent))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    module, _, function = target.partition(":")
    _serve(getattr(importlib.import_module(module), function), int(requests), int(answers))
    sys.exit(0)


if __name__ == "__main__":
    _main(*sys.argv[1:])
