"""Kills a run at every step of its commits, one after the other, and goes on each time until it is through.

    python -m tests.failpoints FOLDER [--every]

A step is a change of the file system below FOLDER: Python tells of each before it happens (`sys.addaudithook`), so no
code under test knows of this one. Steps go by the stage at work, by what they change, and by whether the process ends
before or after; --every takes all of them, else only what makes content visible or takes it away (rename, link,
removal of a shard). A process gets SIGKILL at the first step at which none has died yet, and the next one goes on from
what it left: some hundred deaths in one lineage. Then zombies: processes that stop before a marker or a file of the
release is created, and go on when another has done all the work. Sessions are forks of this process, in which
everything is imported and compiled.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import re
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from pipeline.tasks import claims
from tests.kill_corpus import kill_corpus, stricter
from tests.runs import tree

_VISIBLE = ("os.rename", "os.link")
_CHANGES = (*_VISIBLE, "open", "os.mkdir", "os.remove", "os.rmdir", "os.chmod")
_HASHES = re.compile(r"[0-9a-f]{8,}|(?<=-)\d{5}(?=-)")
_DRAFT = re.compile(r"\.(.+)\.\w+")  # in the release
_LAST_MOMENT = re.compile(r"before (\S+ commit: os.link|release .*)")  # where a zombie does most harm


@dataclass
class Steps:
    """Hears of every change below `root`, and asks before and after each whether the process is to `stop` there."""

    root: str
    every: bool
    stop: Callable[[str], None]
    _stage: str = "plan"
    _after: str = ""

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._after:
            after, self._after = self._after, ""
            self.stop(after)
        if event not in _CHANGES or not self._counts(event, arguments):
            return
        place = str(arguments[1] if event in _VISIBLE else arguments[0])
        if not place.startswith(self.root):
            return
        step = f"{self._named(place.removeprefix(self.root))}: {event}"
        self.stop(f"before {step}")
        self._after = f"after {step}"

    def _counts(self, event: str, arguments: tuple[Any, ...]) -> bool:
        if event == "open":
            return self.every and isinstance(arguments[0], str) and bool(arguments[2] & (os.O_WRONLY | os.O_RDWR))
        return self.every or event in _VISIBLE or (event == "os.remove" and "/release/data/" in str(arguments[0]))

    def _named(self, place: str) -> str:
        """The stage at work and what of it changes, without what is another in each process."""
        folders = place.strip("/").split("/")
        if folders[:2] == ["work", "stages"] and len(folders) > 2:
            self._stage = folders[2]
            return f"{self._stage} {_HASHES.sub('*', folders[4]) if len(folders) > 4 else 'folder'}"
        if folders[0] == "release":
            draft = _DRAFT.fullmatch(folders[-1])
            return f"release {_HASHES.sub('*', draft[1] if draft else folders[-1])}"
        return f"{self._stage} {folders[1] if len(folders) > 1 else folders[0]}"


def publish(recipe: Path) -> None:
    """`seimai run` in this process."""
    from pipeline.recipe.recipe import load
    from pipeline.session import make_release

    make_release(load(recipe), "inline", 1)


@dataclass
class Lineage:
    """Sessions over one folder, forked from here; each ends or stops at the first step that is new."""

    folder: Path
    every: bool = False
    steps: list[str] = field(default_factory=list)  # at which one died, in order
    _sound: set[str] = field(default_factory=set)  # markers that were looked at

    def deaths(self, recipe: Path, wanted: str = "") -> None:
        """Dies at every step of the recipe on its way to the release, or at those that begin with `wanted`."""
        known: set[str] = set()
        while step := self._session(recipe, known, re.compile(wanted), signal.SIGKILL)[1]:
            known.add(step)
            self.steps.append(step)
            self._check()

    def zombies(self, recipe: Path, seed: int) -> int:
        """Stops at every last moment; when all is done the stopped go on, in any order. Returns how many there were."""
        known: set[str] = set()
        stopped: list[int] = []
        while (found := self._session(recipe, known, _LAST_MOMENT, signal.SIGSTOP))[1]:
            known.add(found[1])
            stopped.append(found[0])
        random.Random(seed).shuffle(stopped)
        for process in stopped:
            os.kill(process, signal.SIGCONT)
            _end(process, "a zombie")
            self._check()
        return len(stopped)

    def _session(self, recipe: Path, known: set[str], wanted: re.Pattern[str], how: signal.Signals) -> tuple[int, str]:
        """One process, and the step that it ended or stopped at; '' where it came through."""
        told, tell = os.pipe()
        process = os.fork()
        if not process:
            os.close(told)
            stopped = False

            def stop(step: str) -> None:
                nonlocal stopped
                if not stopped and step not in known and wanted.match(step):
                    stopped = True
                    os.write(tell, f"{step}\n".encode())
                    os.kill(os.getpid(), how)

            _run_and_exit(recipe, Steps(str(self.folder), self.every, stop))
        os.close(tell)
        with open(told) as pipe:
            step = pipe.readline().strip()
        if not step or how == signal.SIGKILL:
            _end(process, f"the run after {known and self.steps[-1:]}", -how if step else 0)
        else:
            os.waitpid(process, os.WUNTRACED)
        return process, step

    def _check(self) -> None:
        """What a marker or a manifest names is there, at any moment."""
        from pipeline.errors import ShortError, UsageError
        from pipeline.manifest.manifest import load

        for marker in self.folder.glob("work/stages/*/*/commit/*.json"):
            if marker.name not in self._sound:
                for output in json.loads(marker.read_bytes())["outputs"].values():
                    size = (self.folder / "work" / output["path"]).stat().st_size
                    assert size == output["bytes"], f"{marker} counts, and {output['path']} has {size} bytes"
                self._sound.add(marker.name)
        release = self.folder / "release"
        with contextlib.suppress(ShortError, UsageError):  # it says of itself that it is none, or not finished
            for entry in load(release)[1]:
                assert (release / entry.path).stat().st_size == entry.bytes, f"{entry.path} is not as it is listed"


def _run_and_exit(recipe: Path, steps: Steps) -> NoReturn:
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
        sys.addaudithook(steps)
        try:
            publish(recipe)
        except BaseException as error:
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
            os._exit(3)
        os._exit(0)


def _end(process: int, what: str, code: int = 0) -> None:
    found = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    assert found == code, f"{what} ended with {found}; its error is above"


def same(one: Path, other: Path) -> None:
    ours, theirs = tree(one), tree(other)
    different = sorted(name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name))
    assert not different, f"{len(different)} files of {one} differ: {different[:9]}"


def all_ways(folder: Path, every: bool = False) -> dict[str, Any]:
    """Everything above, over both recipes. AssertionError where it shows in the release or in committed work."""
    began = time.monotonic()
    claims.PATIENCE = 0.0  # a run that gives no sign is taken for dead at once: of zombies that is the least harmless
    places = {name: folder / name for name in ("first", "second", "killed", "zombies")}
    for place in places.values():
        place.mkdir(parents=True)
    recipes = {name: kill_corpus(place) for name, place in places.items()}
    publish(recipes["first"])  # undisturbed, and in this process: it compiles and loads what sessions inherit
    publish(stricter(recipes["second"]))
    ready = time.monotonic()
    killed = Lineage(places["killed"], every)
    killed.deaths(recipes["killed"])
    same(killed.folder / "release", places["first"] / "release")
    same(killed.folder / "work/stages", places["first"] / "work/stages")
    killed.deaths(stricter(recipes["killed"]), "" if every else r"\w+ release")  # over the release of the first
    same(killed.folder / "release", places["second"] / "release")
    zombies = Lineage(places["zombies"]).zombies(recipes["zombies"], seed=1)
    for name in ("release", "work/stages"):
        same(places["zombies"] / name, places["first"] / name)
    for place in (killed.folder, places["zombies"]):
        inside = ("work", "work/scratch", "work/leases", "work/claims")
        left = {file.name for name in inside for file in (place / name).iterdir()}
        known = {"stages", "scratch", "runs", "claims", "leases", "sources.json"}
        assert left == known, f"left in the work folder: {sorted(left)}"
    return {
        "seconds": {"undisturbed": round(ready - began, 1), "disturbed": round(time.monotonic() - ready, 1)},
        "zombies": zombies,
        "deaths": killed.steps,
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.failpoints")
    parser.add_argument("folder", type=Path, help="a folder that is not there yet")
    parser.add_argument("--every", action="store_true", help="every change of the file system, not only what shows")
    options = parser.parse_args()
    found = all_ways(options.folder.resolve(), options.every)
    print(json.dumps({**found, "died": len(found["deaths"])}, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
