"""One document at a time, where a batch of them cannot be borne: a text that a rule of ours cannot read costs itself.

On the way of all pages nothing is done here but to count. Only what was raised for a batch is asked for again, a document
at a time; those that raise again are told apart, and the stage says what stands in their place.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from stages.errors import InputError
from stages.parquet import Rows

if TYPE_CHECKING:
    import pyarrow as pa

    from stages.sink import Sink

# The machine's fault, or the recipe's: the task fails, and nothing is committed that another run would not have.
_NOT_OF_THE_TEXT = (MemoryError, OSError, InputError)

_Answer = TypeVar("_Answer")


class Tally:
    """A sink for rows that may not be kept: what is counted waits until it is known that they are."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self._counts: list[tuple[str, int]] = []
        self._reasons: list[tuple[str, int]] = []
        self._lost: list[dict[str, str]] = []

    def count(self, counter: str, n: int = 1) -> None:
        self._counts.append((counter, n))

    def reason(self, code: str, n: int = 1) -> None:
        self._reasons.append((code, n))

    def quarantine(self, *, id: str, url: str, where: str, error: str) -> None:
        self._lost.append({"id": id, "url": url, "where": where, "error": error})

    def write(self, table: pa.Table, to: str = "rows", *, cut: bool = False) -> None:
        raise AssertionError("rows of a batch are returned, not written")

    def add_to(self, sink: Sink) -> None:
        for counter, n in self._counts:
            sink.count(counter, n)
        for code, n in self._reasons:
            sink.reason(code, n)
        for lost in self._lost:
            sink.quarantine(**lost)


def of_the_text(error: BaseException) -> bool:
    """Whether an exception speaks of the text at hand. A panic of a Rust library is no Exception, and has no importable class."""
    panic = type(error).__name__ == "PanicException"
    return panic or (isinstance(error, Exception) and not isinstance(error, _NOT_OF_THE_TEXT))


_elsewhere: ContextVar[Callable[[Callable[[], Any]], Any] | None] = ContextVar("_elsewhere", default=None)


@contextlib.contextmanager
def elsewhere(ask: Callable[[Callable[[], Any]], Any]) -> Iterator[None]:
    """For as long as one task runs in this process, what is attempted is attempted by `ask` (see `aside`)."""
    before = _elsewhere.set(ask)
    try:
        yield
    finally:
        _elsewhere.reset(before)


def is_elsewhere() -> bool:
    return _elsewhere.get() is not None


def attempt(function: Callable[[], _Answer]) -> _Answer | str:
    """What a function says, or in one line what it raised of the text. Raises what is not of the text.

    It may be evaluated in another process: it takes what it needs along, and nothing but its answer comes back.
    """
    ask = _elsewhere.get()
    if ask is not None:
        answer: _Answer | str = ask(function)
        return answer
    try:
        return function()
    except BaseException as error:
        if not of_the_text(error):
            raise
        return " ".join(f"{type(error).__name__}: {error}".split())


def attempts(functions: Sequence[Callable[[], _Answer]]) -> list[_Answer | str]:
    """`attempt` of each; elsewhere all at once, and one by one where that does not come back."""
    if is_elsewhere():
        together = attempt(partial(_each, functions))
        if not isinstance(together, str):
            return together
    return _each(functions)


def _each(functions: Sequence[Callable[[], _Answer]]) -> list[_Answer | str]:
    return [attempt(function) for function in functions]


def quarantine(sink: Sink, extract: Rows, row: int, where: str, error: str) -> None:
    """Tell of one document, whose id and URL are in row `row` of `extract`."""
    (named,) = extract.take(np.array([row]), ("id", "url")).to_pylist()
    sink.quarantine(id=named["id"].hex(), url=named["url"], where=where, error=error)
