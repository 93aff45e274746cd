"""Errors that end a command with one clear line, and the exit code that goes with each."""

from __future__ import annotations

from stages.base import InputError

DONE, SHORT, USAGE = 0, 1, 2  # done; the data falls short; wrong use (recipe, arguments, paths)


class UsageError(Exception):
    """Wrong use: a recipe with a typo, a path that is not there, an output that cannot be written. Exit code 2."""


class ShortError(Exception):
    """The data falls short of what was asked: failed partitions, a release that does not verify. Exit code 1."""


class RefusedError(Exception):
    """A server refuses us (401, 403). Nothing gets better by asking on: the run stops."""


class DiskFullError(Exception):
    """No room on the disk of a node for what a task has to write there. Worth trying again when there is."""


class UnreachableError(Exception):
    """No new byte from a server in as many tries as were allowed. Worth trying again later."""


__all__ = [
    "DONE",
    "SHORT",
    "USAGE",
    "DiskFullError",
    "InputError",
    "RefusedError",
    "ShortError",
    "UnreachableError",
    "UsageError",
]
