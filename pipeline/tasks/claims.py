"""Two runs on one work folder: who is at work on what. Advisory: markers alone decide what counts, a claim only spares work.

    leases/<run>.<beat>   who a run is; the beat rises while the run lives
    claims/<key>          the run that is at work on a unit; <key>.<run>: who took it over from a run that is gone

A run is gone when its lease is, when its process is (of this host and container), or when its beat has stood still for
`PATIENCE` by the watcher's own clock: times of two machines are never compared.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import platform
import re
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from pipeline.errors import UnreachableError
from pipeline.store.opening import open_store
from pipeline.store.processes import process_is_gone, processes_here
from pipeline.store.store import Store

BEAT = 20.0  # seconds between the signs of life of a run
PATIENCE = 300.0  # seconds without one until a run of another machine is taken for dead

_RUN = re.compile(rb"[\w-]{1,64}")
_DAMAGED = "damaged."

P = ParamSpec("P")
R = TypeVar("R")


class HeldError(Exception):
    """Another run is at work on this unit."""

    def __init__(self, run: str) -> None:
        super().__init__(run)
        self.run = run


@dataclass(frozen=True, slots=True)
class Claim:
    """What a task needs to know to take a unit for its run."""

    run: str
    key: str  # of the unit
    gone: frozenset[str]  # runs that are no longer there, whatever their claims say


class Claimed(Protocol):
    @property
    def claim(self) -> Claim | None: ...


U = TypeVar("U", bound=Claimed)


def claimed(execute: Callable[Concatenate[U, str, P], R]) -> Callable[Concatenate[U, str, P], R]:
    """Hold the claim of a unit, where it has one, for as long as it is executed. HeldError where another run does."""

    @functools.wraps(execute)
    def holding(unit: U, root: str, /, *args: P.args, **more: P.kwargs) -> R:
        if unit.claim is None:
            return execute(unit, root, *args, **more)
        with held(open_store(root), unit.claim):
            return execute(unit, root, *args, **more)

    return holding


@contextlib.contextmanager
def held(store: Store, claim: Claim) -> Iterator[None]:
    names = _take(store, claim)
    try:
        yield
    finally:
        for name in names:
            _remove(store, name)


def _take(store: Store, claim: Claim) -> list[str]:
    """The names that are ours to remove. Each is created, never changed, so of several that take over one wins."""
    name, passed = f"claims/{claim.key}", list[str]()
    while not store.create(name, claim.run.encode()):
        content = store.read(name)
        if content is None:
            continue  # given back at this moment
        run = _run_in(content)
        if run == claim.run:
            break  # an attempt of ours that was killed
        if run not in claim.gone and not run.startswith(_DAMAGED):
            raise HeldError(run)
        passed.append(name)
        name = f"claims/{claim.key}.{run}"
    return [*passed, name]


def _run_in(claim: bytes) -> str:
    """Whose claim it is. What names no run is nobody's, and has a name of its own under which it is taken over."""
    if _RUN.fullmatch(claim):
        return claim.decode()
    return _DAMAGED + hashlib.sha256(claim).hexdigest()[:16]


def _remove(store: Store, name: str) -> None:
    with contextlib.suppress(IsADirectoryError):  # seen through like any that is damaged, but not ours to remove
        store.remove(name)


class Peers:
    """This run and the others on its work folder."""

    def __init__(self, store: Store) -> None:
        self.run = f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}-{secrets.token_hex(4)}"
        self._store = store
        self._who = {"host": platform.node(), "processes": processes_here(), "pid": os.getpid()}
        self._beat = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._seen: dict[str, tuple[int, float]] = {}  # run -> its beat, and when we saw it first
        self._told: set[str] = set()
        self.dead: frozenset[str] = frozenset()

    def __enter__(self) -> Peers:
        self._store.create(self._name(self._beat), json.dumps(self._who).encode())
        self._thread.start()
        for run in self._leases():
            if run != self.run and not self.gone(run):
                self.tell(run)
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._store.remove(self._name(self._beat))
        if kind is None:
            with contextlib.suppress(OSError, UnreachableError):  # all is done, and what stays is seen through anyway
                self._sweep()

    def _sweep(self) -> None:
        """Remove claims of the dead on units that nobody has taken over: those were committed before, so nobody will.

        Somebody who takes one over at this very moment may meet another at work: that costs work and nothing else.
        """
        by_unit: dict[str, list[str]] = {}
        for name in self._store.list("claims"):
            by_unit.setdefault(name.split(".")[0], []).append(name)
        for names in by_unit.values():
            if all(self._is_of_the_dead(name) for name in names):
                for name in names:
                    _remove(self._store, name)

    def _is_of_the_dead(self, claim: str) -> bool:
        content = self._store.read(claim)
        run = "" if content is None else _run_in(content)
        return run.startswith(_DAMAGED) or (run not in ("", self.run) and self.gone(run))

    def gone(self, run: str) -> bool:
        """Whether a run is no longer there. Its lease is removed then; who asks later finds none."""
        beats = self._leases().get(run)
        if beats is None:
            self.dead |= {run}
            return True
        beat, now = max(beats), time.monotonic()
        if run not in self._seen or self._seen[run][0] != beat:
            self._seen[run] = beat, now
        who = self._of(run, beat)
        here = who.get("processes") == processes_here() and process_is_gone(str(who.get("pid")), here=True)
        if not here and now - self._seen[run][1] < PATIENCE:
            return False
        self.dead |= {run}
        for each in beats:
            _remove(self._store, f"leases/{run}.{each}")
        return True

    def tell(self, run: str) -> None:
        """Say once who else is at work."""
        if run not in self._told:
            self._told.add(run)
            who = self._of(run, max(self._leases().get(run, [0])))
            print(
                f"seimai: another run is at work on this work folder (process {who.get('pid')} on {who.get('host')}); "
                "what it is doing is left to it",
                file=sys.stderr,
            )

    def _leases(self) -> dict[str, list[int]]:
        """Run -> its beats; while it renews there are two."""
        found: dict[str, list[int]] = {}
        for name in self._store.list("leases"):
            run, _, beat = name.rpartition("/")[2].rpartition(".")
            if beat.isdigit():
                found.setdefault(run, []).append(int(beat))
        return found

    def _of(self, run: str, beat: int) -> dict[str, object]:
        try:
            told = json.loads(self._store.read(f"leases/{run}.{beat}") or b"{}")
        except ValueError:
            return {}
        return told if isinstance(told, dict) else {}

    def _live(self) -> None:
        while not self._ended.wait(BEAT):
            # A store that does not answer now costs a beat; there are many in `PATIENCE`.
            with contextlib.suppress(OSError):
                self._store.create(self._name(self._beat + 1), json.dumps(self._who).encode())
                self._beat += 1
                self._store.remove(self._name(self._beat - 1))

    def _name(self, beat: int) -> str:
        return f"leases/{self.run}.{beat}"
