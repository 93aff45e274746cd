"""Several runs on one bucket, and cleaning up in it: as in folders, though nothing there can be locked or asked who lives."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from pipeline.recipe.recipe import load
from pipeline.removal import gc
from pipeline.session import make_release
from pipeline.store.opening import open_store
from tests.engine.test_claims import did, wait_for
from tests.kill_corpus import kill_corpus, stricter
from tests.runs import QUICKSTART, finish, seimai, start, tree
from tests.s3_servers import BUCKET, stored

WORK, RELEASE = f"s3://{BUCKET}/a/work", f"s3://{BUCKET}/a/release"
PLACES = ["--work", WORK, "--release", RELEASE]
RUN = ["run", QUICKSTART, "--runner", "local", "--workers", 1, *PLACES]
WEEK = 7 * 86400.0

pytestmark = pytest.mark.usefixtures("between")


def names(folder: str) -> list[str]:
    return [entry.name for entry in open_store(WORK).entries(folder)]


def check(golden_run: Path) -> None:
    assert stored(RELEASE) == tree(golden_run / "release")
    assert stored(WORK, "stages") == tree(golden_run / "work" / "stages")
    assert names("claims") == names("leases") == []


def test_two_runs_share_the_work_in_a_bucket_and_repeat_none(golden_run: Path) -> None:
    both = [start(*RUN) for _ in range(2)]
    ran = [finish(process) for process in both]
    assert [each.code for each in ran] == [0, 0], ran
    assert any("another run is at work on this work folder" in each.err for each in ran)
    assert did(WORK) == did(golden_run / "work")
    check(golden_run)


def test_of_two_runs_in_a_bucket_one_is_killed_and_the_other_finishes(golden_run: Path) -> None:
    one = start(*RUN)
    wait_for(lambda: bool(names("claims")))
    two = start(*RUN)
    wait_for(lambda: len({name.rpartition(".")[0] for name in names("leases")}) == 2)
    os.kill(one.pid, signal.SIGKILL)
    one.communicate()
    ran = finish(two)
    assert ran.code == 0, ran.err
    check(golden_run)
    assert seimai("verify", RELEASE).code == 0


def test_gc_lists_and_removes_in_a_bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = kill_corpus(tmp_path, files=1)
    other = stricter(recipe)
    for each in (other, recipe):  # the second replaces the release of the first
        make_release(load(each, work=WORK, release=RELEASE), "inline", 1)
    store, before = open_store(WORK), stored(WORK)
    folder = min(name for name in before if "/data/" in name).rpartition("/")[0]
    stray = f"{folder}/{'0' * 24}-{'0' * 16}.parquet"
    for name in (stray, "claims/of-the-dead", "leases/20260101T000000Z-1-0123abcd.3"):
        store.create(name, b"of a killed run")

    young = seimai("gc", other, "--work", WORK, "--delete")
    assert (young.code, young.out) == (0, ""), "nothing is old enough"
    assert "a run seems to be under way (leases/20260101" in young.err
    monkeypatch.setattr(gc, "_now", lambda _: time.time() + 2 * WEEK)
    both = seimai("gc", recipe, other, "--work", WORK)
    assert both.code == 0, both.err
    assert [line.split("\t")[0] for line in both.out.splitlines()] == [folder.rpartition("/")[0], "claims", "leases"]
    assert "would go; --delete removes it" in both.err
    assert stored(WORK) == before | {name: sha for name, sha in stored(WORK).items() if name not in before}

    assert seimai("gc", recipe, other, "--work", WORK, "--delete").out == both.out
    assert stored(WORK) == before
    one = seimai("gc", recipe, "--work", WORK, "--delete")
    assert "no given recipe has this fingerprint" in one.out
    assert set(stored(WORK)) < set(before)
    assert seimai("gc", recipe, "--work", WORK).out == ""
    _, changed = make_release(load(recipe, work=WORK, release=RELEASE), "inline", 1)
    assert not changed
