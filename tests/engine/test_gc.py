"""Cleaning up: what a finished plan refers to never goes, whatever is given, however old, and wherever it is killed."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.commit.sets import lines, packed
from pipeline.recipe.recipe import Recipe, load
from pipeline.removal import gc
from pipeline.store.folder import LocalStore
from pipeline.store.processes import processes_here
from tests.runs import QUICKSTART, seimai, tree

WEEK = 7 * 86400.0


@pytest.fixture(scope="module")
def recipes(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three recipes over one work folder, all finished: as it is, with another bound, with other settings far up."""
    folder = tmp_path_factory.mktemp("gc")
    text = QUICKSTART.read_text().replace("../tests", str(QUICKSTART.parent.parent / "tests"))
    written = []
    for name, more in (
        ("plain", ""),
        ("bound", '\n[filters.bounds.JA201]\nat_least = 150\nbecause = "a test"\n'),
        ("minhash", "\n[stages.minhash]\nseed = 7\n\n[splits]\nvalidation = 0.2\n"),
    ):
        head, _, _ = text.partition("[output]")
        file = folder / f"{name}.toml"
        file.write_text(f'{head}{more}[output]\nwork = "work"\nrelease = "{name}"\n')
        ran = seimai("run", file, "--runner", "local", "--workers", 2)
        assert ran.code == 0, ran.err
        written.append(file)
    return written


@pytest.fixture
def work(recipes: Sequence[Path], tmp_path: Path) -> Path:
    copy = tmp_path / "work"
    _copy(recipes[0].parent / "work", copy)
    return copy


def _copy(source: Path, target: Path, age: float = 30 * 86400) -> None:
    shutil.copytree(source, target)
    _age(target, age)


def _age(folder: Path, seconds: float) -> None:
    then = time.time() - seconds
    for file in folder.rglob("*"):
        os.utime(file, (then, then))


def loaded(recipes: Sequence[Path], work: Path) -> list[Recipe]:
    return [load(recipe, work=str(work)) for recipe in recipes]


def markers_ran(work: Path, recipe: Path, release: Path) -> int:
    """Units that a run of the recipe finds not committed."""
    before = set(work.glob("runs/*/events.jsonl"))
    ran = seimai("run", recipe, "--work", work, "--release", release, "--runner", "local", "--workers", 1)
    assert ran.code == 0, ran.err
    (record,) = set(work.glob("runs/*/events.jsonl")) - before
    events = [json.loads(line) for line in record.read_text().splitlines()]
    return sum(event["event"] == "finished" for event in events)


def test_old_fingerprints_go_and_a_rerun_runs_nothing(recipes: Sequence[Path], work: Path, tmp_path: Path) -> None:
    listed = seimai("gc", recipes[0], "--work", work)
    assert listed.code == 0, listed.err
    assert "no given recipe has this fingerprint" in listed.out
    assert "would go; --delete removes it" in listed.err
    before = tree(work / "stages")
    assert tree(work / "stages") == before, "listing removes nothing"
    deleted = seimai("gc", recipes[0], "--work", work, "--delete")
    assert deleted.out == listed.out
    after = tree(work / "stages")
    assert set(after) < set(before)
    assert seimai("gc", recipes[0], "--work", work).out == ""
    assert markers_ran(work, recipes[0], tmp_path / "release") == 0
    assert tree(tmp_path / "release") == tree(recipes[0].parent / "plain")
    # What went can be made again, with the same bytes.
    assert markers_ran(work, recipes[2], tmp_path / "again") > 0
    assert tree(tmp_path / "again") == tree(recipes[0].parent / "minhash")


def test_all_recipes_given_nothing_goes(recipes: Sequence[Path], work: Path) -> None:
    assert seimai("gc", *recipes, "--work", work, "--delete").out == ""


class _Killed(Exception):
    pass


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    chosen=st.sets(st.integers(0, 2), max_size=3),
    young=st.integers(0, 3),
    kill=st.one_of(st.none(), st.integers(0, 120)),
    loose=st.integers(0, 3),
)
def test_nothing_that_counts_ever_goes(
    recipes: Sequence[Path],
    tmp_path_factory: pytest.TempPathFactory,
    chosen: set[int],
    young: int,
    kill: int,
    loose: int,
) -> None:
    work = tmp_path_factory.mktemp("law") / "work"
    source = recipes[0].parent / "work"
    shutil.copytree(source, work, copy_function=os.link)
    kept = loaded([recipes[i] for i in sorted(chosen)], work)
    store = LocalStore(work)
    now = time.time() + 30 * 86400  # hard links share their times: the clock moves instead
    folders = sorted(work.glob("stages/*/*/data"))
    strays = [folders[i * 7 % len(folders)] / f"{'0' * 24}-{i:016x}.parquet" for i in range(loose)]
    for stray in strays:
        stray.write_bytes(b"of a killed attempt")
    fresh = {f"{folder.parent.relative_to(work)}" for folder in folders[:young]}
    for folder in fresh:
        note = work / folder / "data" / ("1" * 24 + "-0000000000000000.parquet")
        note.write_bytes(b"being written")
        os.utime(note, (now, now))
    needed = {
        f"stages/{stage.key}/{gc.stage_fingerprint(stage)}" for r in kept for stage in gc.every_stage(gc.Plan(r, ()))
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gc, "_now", lambda _: now)
        found = gc.find(store, kept, WEEK)
        removed = 0

        def removing(name: str) -> None:
            nonlocal removed
            if kill is not None and removed >= kill:
                raise _Killed
            removed += 1
            (work / name).unlink()

        patch.setattr(store, "remove", removing)
        with contextlib.suppress(_Killed):
            list(gc.remove(store, found.garbage))
    left = {str(file.relative_to(work)) for file in work.rglob("*") if file.is_file()}
    whole = {str(file.relative_to(source)) for file in source.rglob("*") if file.is_file()}
    for name in whole - left:
        folder = "/".join(name.split("/")[:3])
        assert chosen, "without a recipe no fingerprint goes"
        assert folder not in needed, f"{name} is of a recipe that was given"
        assert folder not in fresh, f"{name} lies beside what is being written"
    for folder in fresh:
        assert f"{folder}/data/{'1' * 24}-0000000000000000.parquet" in left, "what is young stays"
    if kill is None:
        assert not [
            stray for stray in strays if str(stray.parent.parent.relative_to(work)) not in fresh and stray.exists()
        ]
    # A marker that is left has all its files: what was killed in the middle broke nothing.
    for marker in work.glob("stages/*/*/commit/*.json"):
        told = json.loads(marker.read_text())
        assert all((work / output["path"]).exists() for output in told["outputs"].values())
    shutil.rmtree(work.parent)


def test_a_set_that_grew_goes(recipes: Sequence[Path], work: Path) -> None:
    whole = max(work.glob("stages/extract/*/STAGE-*.json"), key=lambda file: file.stat().st_size)
    part = whole.with_name(f"STAGE-{'a' * 24}.json")
    part.write_bytes(packed(part.name, list(lines(whole.name, whole.read_bytes()))[:1]))
    _age(work, 2 * WEEK)
    found = gc.find(LocalStore(work), loaded(recipes, work), WEEK)
    assert [[file.name for file in each.files] for each in found.garbage] == [[str(part.relative_to(work))]]


def test_while_a_run_is_under_way_no_fingerprint_goes(recipes: Sequence[Path], work: Path) -> None:
    record = work / "runs" / f"20260101T000000Z-{os.getpid()}" / "events.jsonl"
    record.parent.mkdir()
    record.write_text(json.dumps({"event": "start", "host": os.uname().nodename}) + "\n")
    said = seimai("gc", recipes[0], "--work", work, "--delete")
    assert (said.code, said.out) == (0, "")
    assert "a run seems to be under way" in said.err
    record.write_text(record.read_text() + json.dumps({"event": "end"}) + "\n")
    assert "no given recipe has this fingerprint" in seimai("gc", recipes[0], "--work", work).out


def test_a_run_whose_process_is_gone_holds_nothing_back(recipes: Sequence[Path], work: Path) -> None:
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    record = work / "runs" / f"20260101T000000Z-{pid}" / "events.jsonl"
    record.parent.mkdir()
    record.write_text(json.dumps({"event": "start", "host": os.uname().nodename}) + "\n")
    assert "no given recipe has this fingerprint" in seimai("gc", recipes[0], "--work", work).out


def test_scratch_of_the_dead_and_old_records_by_option(work: Path) -> None:
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)
    files = {owner: work / "scratch" / f"{processes_here()}-{owner}-x" / "part.parquet" for owner in (pid, os.getpid())}
    files[0] = work / "scratch" / "0123456789ab-1-x" / "part.parquet"  # of another machine, a moment ago
    for file in files.values():
        file.parent.mkdir(parents=True)
        file.write_bytes(b"x" * 10)
    said = seimai("gc", work, "--delete", "--runs", "7d")
    assert said.code == 0, said.err
    assert "no recipe was given, so all fingerprints stay" in said.err
    assert [owner for owner, file in files.items() if file.exists()] == [os.getpid(), 0]
    assert not list(work.glob("runs/*/*"))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("{work}", "--grace", "soon"), "--grace soon: a number of days"),
        (("{work}/nowhere",), "no work folder"),
        (("{work}", str(QUICKSTART)), "one work folder at a time"),
    ],
)
def test_wrong_use_is_one_line(work: Path, arguments: tuple[str, ...], told: str) -> None:
    ran = seimai("gc", *(argument.format(work=work) for argument in arguments))
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert told in ran.err


def test_a_damaged_marker_stops_the_cleaning(work: Path) -> None:
    marker = next(work.glob("stages/extract/*/commit/*.json"))
    marker.write_text("{")
    _age(work, 2 * WEEK)
    ran = seimai("gc", work, "--delete")
    assert ran.code == 1
    assert f"{marker}: damaged" in ran.err
