"""One trial: a run of a recipe that is hurt until it is through, and what it left held against an undisturbed one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from pipeline.store.processes import sweep_scratch
from tests.chaos.cluster import TwoNodes, end
from tests.runs import ROOT, places, tree

# What may be killed, and how often against the others. A zombie is a worker that stops, loses its node and goes on late.
KINDS = {"worker": 8, "guard": 2, "node": 2, "driver": 3, "head": 1, "zombie": 2}
PAUSE = 0.3, 1.6  # seconds between two kills, from .. to
DEADLINE = 90.0  # seconds of a session; a driver whose head is gone may wait longer
ANSWERS = (0, 1)  # done, or falls short with a reason. What is killed itself answers nothing.


@dataclass
class Session:
    seconds: float
    code: int
    kills: list[str]
    said: str  # on stderr


@dataclass
class Trial:
    """Sessions of one run over one cluster; `kills` at most are spread over them."""

    recipe: Path
    folder: Path
    nodes: TwoNodes
    rng: random.Random
    kills: int
    sessions: list[Session] = field(default_factory=list)
    zombies: list[int] = field(default_factory=list)  # that wait for the end

    def run(self, log: Callable[[str], None]) -> None:
        """Run until it succeeds. AssertionError where a session ends as none may."""
        while not self.sessions or self.sessions[-1].code:
            session = self._session()
            self.sessions.append(session)
            log(
                f"  session {len(self.sessions)}: {session.seconds:.1f} s, exit {session.code}, {' '.join(session.kills)}"
            )
            assert session.code in ANSWERS or {"driver", "deadline"} & {*session.kills}, session.said
            assert "Traceback" not in session.said, session.said
            assert len(self.sessions) < 200, "it never succeeds"
        for zombie in self.zombies:
            end(zombie, signal.SIGCONT)
        _wait_for_the_end_of(self.zombies)

    def check(self, reference: Path) -> None:
        """Nothing of all that shows. AssertionError with the first files in which it does."""
        again = self._start("--runner", "local")
        _, said = again.communicate(timeout=120)
        assert again.returncode == 0, said
        assert "everything was committed already" in said, said
        for name in ("release", "work/stages"):
            ours, theirs = tree(self.folder / name), tree(reference / name)
            different = sorted(file for file in {*ours, *theirs} if ours.get(file) != theirs.get(file))
            assert not different, f"{len(different)} files of {name} differ: {different[:5]}"
        sweep_scratch(self.folder / "work")
        left = sorted(path.name for path in (self.folder / "work" / "scratch").iterdir())
        assert not left, f"left in scratch: {left}"

    @property
    def killed(self) -> Counter[str]:
        return Counter(kind for session in self.sessions for kind in session.kills if kind != "deadline")

    def _start(self, *runner: str) -> subprocess.Popen[str]:
        environment = dict(os.environ)
        command = [sys.executable, "-m", "pipeline", "run", str(self.recipe), *runner, *map(str, places(self.folder))]
        if runner[1] == "ray":
            environment["RAY_ADDRESS"] = self.nodes.address
        return subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )

    def _session(self) -> Session:
        self.nodes.heal()
        _move_times(self.recipe.parent, self.rng)
        driver = self._start("--runner", "ray")
        began, kills = time.monotonic(), []
        # Not before there is a worker: what is killed earlier has done nothing yet.
        after = began + 60
        while driver.poll() is None:
            now = time.monotonic()
            if now - began > DEADLINE:
                kills.append("deadline")
                driver.kill()
            elif after == began + 60 and self.nodes.workers(busy=True):
                after = now + self.rng.uniform(*PAUSE)
            elif now > after and self.killed.total() + len(kills) < self.kills:
                kind = self.rng.choices(list(KINDS), list(KINDS.values()))[0]
                if self._hurt(kind, driver):
                    kills.append(kind)
                    after = now + self.rng.uniform(*PAUSE)
            time.sleep(0.05)
        said = driver.communicate()[1]
        return Session(time.monotonic() - began, driver.returncode, kills, said)

    def _hurt(self, kind: str, driver: subprocess.Popen[str]) -> bool:
        """Whether there was something of that kind."""
        nodes = self.nodes
        if kind == "driver":
            driver.kill()
            return True
        if kind == "zombie":
            return self._make_zombie()
        found = {"worker": nodes.workers, "guard": nodes.guards, "node": nodes.raylet, "head": nodes.head}[kind]()
        return bool(found) and end(self.rng.choice(found))

    def _make_zombie(self) -> bool:
        at_work = self.nodes.workers(busy=True, second=True)
        node = self.nodes.raylet()
        if not at_work or not node or not end(at_work[0], signal.SIGSTOP):
            return False
        self.zombies.append(at_work[0])
        return end(node[0])


def _wait_for_the_end_of(processes: list[int], seconds: float = 20.0) -> None:
    """A worker without a node ends by itself, having committed or not; what does not is killed."""
    until = time.monotonic() + seconds
    left = processes
    while left and time.monotonic() < until:
        left = [process for process in left if _at_work(process)]
        time.sleep(0.05)
    for process in left:
        end(process)


def _at_work(process: int) -> bool:
    with suppress(psutil.Error):
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    return False


def _move_times(folder: Path, rng: random.Random) -> None:
    """Inputs that say they were changed yesterday, or tomorrow: their content is what counts."""
    for file in sorted(folder.glob("*.jsonl")):
        moment = time.time() + rng.uniform(-86400, 86400)
        os.utime(file, (moment, moment))
