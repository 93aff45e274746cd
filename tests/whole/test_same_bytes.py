"""Same inputs, same bytes: any runner, any number of workers, any hash seed, any name and place of the input."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.runs import GOLDEN, QUICKSTART, finish, places, recipe, seimai, source, start, tree


@pytest.mark.parametrize(("runner", "workers"), [("local", 2), ("ray", 1), ("ray", 2)])
def test_every_runner_writes_the_same_release(golden_run: Path, tmp_path: Path, runner: str, workers: int) -> None:
    process = start(
        "run",
        QUICKSTART,
        "--runner",
        runner,
        "--workers",
        workers,
        *places(tmp_path),
        PYTHONHASHSEED=str(workers),
        CI="1",
    )
    ran = finish(process)
    assert ran.code == 0, ran.err
    assert tree(tmp_path / "release") == tree(golden_run / "release")
    assert tree(tmp_path / "work" / "stages") == tree(golden_run / "work" / "stages")


def test_names_places_and_order_of_files_do_not_show(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
    files = [GOLDEN / "crawl-1.warc.gz", GOLDEN / "crawl-2.warc.gz"]
    moved = [Path(shutil.copy(file, there / f"{name}.warc.gz")) for file, name in zip(files, "zy", strict=True)]
    for folder, listed in ((here, files), (there, [*reversed(moved), moved[0]])):
        ran = seimai("run", recipe(folder, source("s", "warc", *listed)), "--runner", "local", "--workers", 2)
        assert ran.code == 0, ran.err
    trees = [tree(folder / "release") for folder in (here, there)]
    for each in trees:
        del each["manifest.json"]  # it names the input files
    assert trees[0] == trees[1]


def test_a_second_run_does_nothing(golden_run: Path) -> None:
    before = {f: f.stat().st_mtime_ns for f in golden_run.rglob("*") if f.is_file() and "runs" not in f.parts}
    ran = seimai("run", QUICKSTART, "--runner", "local", *places(golden_run))
    assert ran.code == 0
    assert "everything was committed already" in ran.err
    after = {f: f.stat().st_mtime_ns for f in golden_run.rglob("*") if f.is_file() and "runs" not in f.parts}
    assert {f for f in after if after[f] != before.get(f)} <= {golden_run / "work" / "sources.json"}
