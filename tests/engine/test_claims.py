"""Several runs on one work folder: none repeats what another does, the dead hold nothing, and markers alone decide."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.store.folder import LocalStore
from pipeline.store.opening import open_store
from pipeline.tasks import claims
from pipeline.tasks.claims import Claim, HeldError, Peers, held
from tests.runs import QUICKSTART, finish, places, seimai, start, tree


def claim(run: str, *gone: str) -> Claim:
    return Claim(run, "unit", frozenset(gone))


def test_a_unit_is_one_runs_until_it_gives_it_back(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    with held(store, claim("a")):
        with pytest.raises(HeldError) as told, held(store, claim("b")):
            pass
        assert told.value.run == "a"
        with held(store, Claim("b", "other", frozenset())):
            pass
    with held(store, claim("b")):
        pass
    assert not store.list("claims")


def test_a_task_that_fails_gives_its_unit_back(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    with pytest.raises(ZeroDivisionError), held(store, claim("a")):
        raise ZeroDivisionError
    assert not store.list("claims")


def test_an_attempt_of_our_own_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.create("claims/unit", b"a")
    with held(store, claim("a")):
        pass
    assert not store.list("claims")


def test_of_those_who_take_over_from_the_dead_one_wins(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.create("claims/unit", b"dead")
    together, inside = threading.Barrier(6), threading.Event()
    outcomes: Counter[str] = Counter()

    def take(run: str) -> None:
        together.wait()
        try:
            with held(store, claim(run, "dead")):
                outcomes["won"] += 1
                inside.wait(20)
        except HeldError:
            outcomes["held"] += 1
            if outcomes["held"] == 5:
                inside.set()

    threads = [threading.Thread(target=take, args=(f"run{i}",)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == {"won": 1, "held": 5}
    assert not store.list("claims")


def test_a_chain_of_dead_runs_is_seen_through(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.create("claims/unit", b"one")
    store.create("claims/unit.one", b"two")
    with pytest.raises(HeldError), held(store, claim("three", "one")):
        pass
    with held(store, claim("three", "one", "two")):
        assert store.read("claims/unit.two") == b"three"
    assert not store.list("claims")


def test_a_killed_process_is_gone_and_a_live_one_is_not(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    code = (
        "import sys, time\nfrom pipeline.tasks.claims import Peers\nfrom pipeline.store.folder import LocalStore\n"
        "with Peers(LocalStore(sys.argv[1])) as peers:\n    print(peers.run, flush=True)\n    time.sleep(60)\n"
    )
    other = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    run = other.stdout.readline().strip()
    with Peers(store) as peers:
        assert not peers.gone(run)
        assert not peers.gone(peers.run)
        other.kill()
        other.communicate()
        assert peers.gone(run)
        assert run in peers.dead
        assert [name.rpartition(".")[0] for name in store.list("leases")] == [f"leases/{peers.run}"]
    assert not store.list("leases")
    with Peers(store) as later:
        assert later.gone(run), "a run without a lease has ended"


def test_a_run_elsewhere_is_gone_when_its_beat_stands_still(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LocalStore(tmp_path)
    there = json.dumps({"host": "elsewhere", "processes": "0123456789ab", "pid": 1}).encode()
    store.create("leases/far.7", there)
    now = [1000.0]
    monkeypatch.setattr(claims.time, "monotonic", lambda: now[0])
    peers = Peers(store)
    assert not peers.gone("far")
    now[0] += claims.PATIENCE - 1
    assert not peers.gone("far")
    store.create("leases/far.8", there)  # it lives: as it renews, there are two for a moment
    store.remove("leases/far.7")
    now[0] += 2
    assert not peers.gone("far")
    now[0] += claims.PATIENCE
    assert peers.gone("far")
    assert not store.list("leases")


def test_a_run_that_finishes_sweeps_claims_that_are_stale_beyond_doubt(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    elsewhere = json.dumps({"host": "elsewhere", "processes": "0123456789ab", "pid": 1}).encode()
    store.create("leases/alive.7", elsewhere)
    stale = {"one": b"dead", "two": b"dead", "two.dead": b"dead-too", "three": b"\xff"}
    stay = {"four": b"alive", "five": b"dead", "five.dead": b"alive"}  # the last two: taken over
    for name, run in {**stale, **stay}.items():
        store.create(f"claims/{name}", run)
    with pytest.raises(ZeroDivisionError), Peers(store):
        raise ZeroDivisionError
    assert len(store.list("claims")) == len(stale) + len(stay), "only who comes through has looked at all units"
    with Peers(store):
        pass
    assert store.list("claims") == sorted(f"claims/{name}" for name in stay)
    assert store.list("leases") == ["leases/alive.7"]


def test_the_beat_rises_while_a_run_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "BEAT", 0.02)
    store = LocalStore(tmp_path)
    with Peers(store):
        deadline = time.monotonic() + 20
        while not any(int(name.rpartition(".")[2]) >= 3 for name in store.list("leases")):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert len(store.list("leases")) <= 2
    assert not store.list("leases")


def did(work: Path | str) -> Counter[tuple[str, str]]:
    """Unit and stage -> how often it was run, over all runs of a work folder."""
    found: Counter[tuple[str, str]] = Counter()
    store = open_store(work)
    for record in (entry.name for entry in store.entries("runs") if entry.name.endswith("/events.jsonl")):
        for event in map(json.loads, (store.read(record) or b"").splitlines()):
            if event["event"] == "finished":
                found.update((event["unit"], stage) for stage in event["ran"])
    return found


def wait_for(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came this far"
        time.sleep(0.01)


def test_two_runs_share_the_work_and_repeat_none(golden_run: Path, tmp_path: Path) -> None:
    both = [start("run", QUICKSTART, "--runner", "local", "--workers", 1, *places(tmp_path)) for _ in range(2)]
    ran = [finish(process) for process in both]
    assert [each.code for each in ran] == [0, 0], ran
    assert any("another run is at work on this work folder" in each.err for each in ran)
    assert did(tmp_path / "work") == did(golden_run / "work")
    assert set(did(tmp_path / "work").values()) == {1}
    assert tree(tmp_path / "release") == tree(golden_run / "release")
    assert not list(tmp_path.glob("work/claims/*"))
    assert not list(tmp_path.glob("work/leases/*"))


def test_of_two_runs_one_is_killed_and_the_other_finishes(golden_run: Path, tmp_path: Path) -> None:
    one = start("run", QUICKSTART, "--runner", "local", "--workers", 1, *places(tmp_path))
    wait_for(lambda: bool(list(tmp_path.glob("work/claims/*"))))
    two = start("run", QUICKSTART, "--runner", "local", "--workers", 1, *places(tmp_path))
    wait_for(lambda: len(list(tmp_path.glob("work/leases/*"))) == 2)
    os.kill(one.pid, signal.SIGKILL)
    one.communicate()
    ran = finish(two)
    assert ran.code == 0, ran.err
    assert tree(tmp_path / "release") == tree(golden_run / "release")
    assert not list(tmp_path.glob("work/claims/*"))
    assert seimai("verify", tmp_path / "release").code == 0
