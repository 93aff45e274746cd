"""A child process that is asked in place of this one, and may die of a text: for the last attempt at a partition.

Extraction has every page parsed behind a guard (`guard`), for pages do crash parsers. Later stages see cleaned text, and a
crash of theirs (MeCab, fastText, a tokenizer) is so rare that a child for each batch would cost more than it saves. But where
a worker died twice of one partition, the third attempt asks this child: a batch that ends it is asked for again a document
at a time (`borne`), and the document that ends it costs itself.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any, Self

from stages import borne
from stages.guard import UnavailableError, die_with

MOST = 32  # crashes in one task; with more, no text is to blame, and a run must not lose them all
_SPAWN = multiprocessing.get_context("spawn")  # a fork would have the locks of threads that it has not


class _EndedError(Exception):
    """The child has ended while it was asked."""

    def __init__(self, code: int) -> None:
        super().__init__(f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}")
        self.code = code


class Aside:
    """Evaluates functions (of a module, or bound to what can be sent) in a child that is kept until one ends it."""

    def __init__(self) -> None:
        self._child: SpawnProcess | None = None
        self._pipe: Connection | None = None
        self._crashes = 0

    def ask(self, function: Callable[[], Any]) -> Any:
        """As `borne.attempt`: what it returns, or a line: what it raised of the text, or that it ended two children.

        A child that was killed from outside twice says nothing of the text: UnavailableError, so that no loss is committed.
        """
        try:
            return self._ask(function)
        except _EndedError:
            try:
                return self._ask(function)
            except _EndedError as ended:
                if ended.code == -signal.SIGKILL:
                    raise UnavailableError("the child of a stage was killed twice from outside (SIGKILL)") from None
                self._crashes += 1
                if self._crashes > MOST:
                    raise UnavailableError(
                        f"the child of a stage ended {ended} for more than {MOST} batches and documents: it is not one text"
                    ) from None
                return f"crash: the child of the stage ended {ended}"

    def _ask(self, function: Callable[[], Any]) -> Any:
        pipe = self._started()
        try:
            pipe.send(function)
            raised, answer = pipe.recv()
        except (EOFError, OSError):
            raise _EndedError(self._end()) from None
        if raised:
            raise answer
        return answer

    def _started(self) -> Connection:
        if self._pipe is None:
            self._pipe, theirs = _SPAWN.Pipe()
            self._child = _SPAWN.Process(target=_serve, args=(theirs, os.getpid()), daemon=True)
            self._child.start()
            theirs.close()
            try:
                self._pipe.recv()
            except EOFError:
                raise UnavailableError(f"the child of a stage does not start (exit code {self._end()})") from None
        return self._pipe

    def _end(self) -> int:
        """Close the pipe, which ends a child that waits; its exit code."""
        assert self._child is not None and self._pipe is not None
        self._pipe.close()
        self._child.join()
        code = self._child.exitcode
        self._child = self._pipe = None
        return 0 if code is None else code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._child is not None:
            self._child.kill()
            self._end()


def _serve(pipe: Connection, parent: int) -> None:
    die_with(parent)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pipe.send("ready")
    while True:
        try:
            function = pipe.recv()
        except EOFError:
            return
        try:
            told = False, borne.attempt(function)
        except Exception as error:  # not of the text: raised where it was asked
            told = True, error
        pipe.send(told)
