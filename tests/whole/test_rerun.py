"""A change re-runs what it changes and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runs import GOLDEN, committed, recipe, seimai, source

CRAWL_1, CRAWL_2 = GOLDEN / "crawl-1.warc.gz", GOLDEN / "crawl-2.warc.gz"
BOUND = '[filters.bounds.JA101]\nat_least = 0.5\nbecause = "a test"\n'


def run(folder: Path, text: str) -> None:
    ran = seimai("run", recipe(folder, text), "--runner", "local", "--workers", 1)
    assert ran.code == 0, ran.err


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rerun")
    run(folder, source("s", "warc", CRAWL_1))
    return folder


def grown(folder: Path, change: str) -> dict[str, int]:
    """Run a changed recipe; new markers by stage."""
    stages = sorted(path.name for path in (folder / "work" / "stages").iterdir())
    before = {stage: committed(folder / "work", stage) for stage in stages}
    run(folder, change)
    return {stage: len(committed(folder / "work", stage) - before[stage]) for stage in stages}


def test_a_changed_bound_judges_again_and_measures_nothing(finished: Path) -> None:
    plan = seimai("plan", recipe(finished, source("s", "warc", CRAWL_1) + BOUND))
    assert "changed: params.bounds.JA101" in " ".join(plan.out.split())
    new = grown(finished, source("s", "warc", CRAWL_1) + BOUND)
    again = {"judge", "measure-grammar", "verdict", "minhash", "bands", "dedup", "deny", "write", "hosts", "host-table"}
    again.add("shards")
    assert {stage for stage, n in new.items() if n} == again


def test_an_added_file_is_the_only_one_extracted(finished: Path) -> None:
    new = grown(finished, source("s", "warc", CRAWL_1, CRAWL_2))
    per_file = {"extract", "tokens", "edits", "language", "judge", "verdict", "minhash"}
    assert {stage: new[stage] for stage in per_file} == dict.fromkeys(per_file, 1)


def test_going_back_finds_everything_committed(finished: Path) -> None:
    text = source("s", "warc", CRAWL_1)
    run(finished, text)
    assert set(grown(finished, text).values()) == {0}
    assert "everything is committed; `seimai run " in seimai("plan", recipe(finished, text)).out


def test_a_dry_run_cannot_poison_the_cache(finished: Path) -> None:
    file = recipe(finished, source("s", "warc", CRAWL_1))
    dry = seimai("dry-run", file, "--sample", 5, "--stage", "verdict")
    assert dry.code == 0, dry.err
    assert "documents sampled" in dry.out
    assert set(grown(finished, source("s", "warc", CRAWL_1)).values()) == {0}


def test_a_plan_says_that_there_were_only_dry_runs(tmp_path: Path) -> None:
    file = recipe(tmp_path, source("s", "warc", CRAWL_1))
    assert seimai("dry-run", file, "--sample", 5, "--stage", "extract").code == 0
    row = next(line for line in seimai("plan", file).out.splitlines() if "extract" in line)
    assert [cell.strip() for cell in row.strip("│").split("│")] == ["extract", "0", "1", "only dry runs so far"]


def test_a_release_that_shrinks_leaves_no_old_shards(finished: Path) -> None:
    run(finished, source("s", "warc", CRAWL_1) + BOUND)
    assert seimai("verify", finished / "release").code == 0
