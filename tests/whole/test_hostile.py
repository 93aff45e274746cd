"""What a hostile crawl, a careless user or a failing disk does to a run. Each of these once went wrong."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.errors import InputError
from pipeline.store.folder import LocalStore
from pipeline.store.processes import sweep_scratch
from pipeline.tasks.task import _check_file
from stages.base import SourceFile
from tests.runs import GOLDEN, QUICKSTART, committed, places, recipe, seimai, source
from tests.warcs import Response, html, write

ENGLISH = Response(html("Only English words stand on this page, and nothing else at all. " * 8, "English"))


def run(file: Path) -> tuple[int, str]:
    ran = seimai("run", file, "--runner", "local", "--workers", 1)
    return ran.code, ran.err


@pytest.fixture
def finished(golden_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(golden_run, tmp_path / "copy"))


def again(folder: Path) -> tuple[int, str]:
    ran = seimai("run", QUICKSTART, "--runner", "local", "--workers", 1, *places(folder))
    return ran.code, ran.err


def test_files_without_a_japanese_page_are_partitions_like_any_other(tmp_path: Path) -> None:
    """They all write the same empty rows, so their later stages share one marker."""
    foreign = [write(tmp_path / f"{n}.warc.gz", *[ENGLISH] * n) for n in (1, 2, 3)]
    file = recipe(tmp_path, source("s", "warc", GOLDEN / "crawl-1.warc.gz", *foreign))
    assert run(file)[0] == 0
    assert seimai("verify", tmp_path / "release").code == 0
    code, err = run(file)
    assert code == 0
    assert "everything was committed already" in err


def test_nothing_but_foreign_pages_makes_an_empty_release(tmp_path: Path) -> None:
    code, err = run(recipe(tmp_path, source("s", "warc", write(tmp_path / "a.warc.gz", ENGLISH))))
    assert code == 0, err
    assert "whole: 0 documents" in seimai("verify", tmp_path / "release").out


def test_the_same_file_in_two_sources_is_kept_once(tmp_path: Path) -> None:
    crawl = GOLDEN / "crawl-2.warc.gz"
    file = recipe(tmp_path, source("a", "warc", crawl) + source("b", "warc", crawl) + "[alarms]\nsource_share = 1.0\n")
    assert run(file)[0] == 0
    assert seimai("verify", tmp_path / "release").code == 0
    assert set(pq.read_table(tmp_path / "release" / "data")["source"].to_pylist()) == {"a"}
    assert "everything was committed already" in run(file)[1]


def test_only_scratch_of_dead_processes_of_this_very_machine_is_swept(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    with store.scratch() as mine:
        prefix = mine.name.rsplit(f"-{os.getpid()}-", 1)[0]
        dead, elsewhere = tmp_path / "scratch" / f"{prefix}-999999-x", tmp_path / "scratch" / "0123456789ab-999999-x"
        dead.mkdir()
        elsewhere.mkdir()
        sweep_scratch(tmp_path)
        assert mine.exists()
    assert not dead.exists()
    assert elsewhere.exists()


@pytest.mark.parametrize("name", ["../out", "a/b", "_hidden", ".dot", "x" * 65, "a\\nb", " "])
def test_a_source_name_that_is_no_file_name_is_refused(tmp_path: Path, name: str) -> None:
    ran = seimai("plan", recipe(tmp_path, source(name, "warc", GOLDEN / "crawl-1.warc.gz")))
    assert (ran.code, len(ran.err.splitlines())) == (2, 1)


@pytest.mark.parametrize("folder", ["data[1]", "with space", "star*", "日本語"])
def test_the_name_of_the_recipes_folder_is_no_pattern(tmp_path: Path, folder: str) -> None:
    place = tmp_path / folder
    place.mkdir()
    (tmp_path / "data1").mkdir()
    for warc, pages in ((place / "a[1].warc.gz", 2), (tmp_path / "data1" / "a[1].warc.gz", 5)):
        write(warc, *[ENGLISH] * pages)
    for pattern in ("a[1].warc.gz", "a*.warc.gz"):
        assert run(recipe(place, source("s", "warc", Path(pattern))))[0] == 0
        assert "2 records" in seimai("verify", place / "release").out


def test_a_file_that_grows_while_it_is_read_is_not_committed(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"12345")
    with pytest.raises(InputError, match="has changed since this run began"):
        _check_file(SourceFile(str(file), "ab" * 32, 3))


def flip_middle(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 4
    file.write_bytes(content)


def test_a_flipped_bit_in_committed_work_is_named_and_mended_as_the_message_says(finished: Path) -> None:
    data = max((finished / "work/stages/extract").glob("*/data/*.parquet"), key=lambda file: file.stat().st_size)
    flip_middle(data)
    for stage in ("write", "shards"):
        shutil.rmtree(finished / "work/stages" / stage)
    code, err = again(finished)
    assert code == 1
    assert str(data) in err
    assert "delete it and run again" in err
    data.unlink()
    assert again(finished)[0] == 0
    assert seimai("verify", finished / "release").code == 0


def test_a_damaged_committed_shard_never_reaches_the_release(finished: Path) -> None:
    data = next((finished / "work/stages/shards").glob("*/data/*.parquet"))
    flip_middle(data)
    shutil.rmtree(finished / "release")
    code, err = again(finished)
    assert code == 1
    assert str(data) in err
    data.unlink()
    assert again(finished)[0] == 0
    assert seimai("verify", finished / "release").code == 0


@pytest.mark.parametrize("name", ["shards.jsonl", "NOTICE", "manifest.json"])
def test_a_lost_part_of_the_release_is_made_again(finished: Path, name: str) -> None:
    before = (finished / "release" / name).read_bytes()
    (finished / "release" / name).unlink()
    assert again(finished)[0] == 0
    assert (finished / "release" / name).read_bytes() == before


def test_what_killed_runs_left_in_the_release_goes_and_what_is_not_ours_stays(finished: Path) -> None:
    data = finished / "release" / "data"
    old, draft, foreign = (
        data / "crawl-00007-0123abcd.parquet",
        data / ".crawl-00000-0123abcd.parquet.77",
        data / "mine.txt",
    )
    for file in (old, draft, foreign):
        file.write_bytes(b"")
    assert again(finished)[0] == 0
    assert (old.exists(), draft.exists(), foreign.exists()) == (False, False, True)


def test_a_damaged_marker_is_named(finished: Path) -> None:
    for consolidated in (finished / "work/stages").glob("*/*/STAGE-*.json"):
        consolidated.write_bytes(b"")
    assert again(finished)[0] == 0, "the markers tell the same"
    marker = next((finished / "work/stages/dedup").glob("*/commit/*.json"))
    marker.write_bytes(b"")
    code, err = again(finished)
    assert code == 1
    assert f"{marker}: damaged; delete it and run again" in err


@pytest.mark.parametrize("bound", ["JA101 = 0.5", "JA101 = { at_least = nan, because = 'x' }"])
def test_a_bound_that_is_none_is_one_line(tmp_path: Path, bound: str) -> None:
    file = recipe(tmp_path, source("s", "warc", GOLDEN / "crawl-1.warc.gz") + f"[filters.bounds]\n{bound}\n")
    ran = seimai("plan", file)
    assert (ran.code, len(ran.err.splitlines())) == (2, 1)
    assert "JA101" in ran.err


@pytest.mark.parametrize("key", ["ranges", "all_pairs", "comparisons", "ngram"])
def test_a_parameter_that_would_find_no_duplicates_is_refused(tmp_path: Path, key: str) -> None:
    file = recipe(tmp_path, source("s", "warc", GOLDEN / "crawl-1.warc.gz") + f"[stages.dedup]\n{key} = 0\n")
    ran = seimai("plan", file)
    assert (ran.code, len(ran.err.splitlines())) == (2, 1)
    assert f"dedup.{key} must be at least 1" in ran.err


def test_reading_verbs_write_no_release(tmp_path: Path) -> None:
    seimai("plan", recipe(tmp_path, source("s", "warc", GOLDEN / "crawl-1.warc.gz")))
    assert not (tmp_path / "release").exists()
    assert not committed(tmp_path / "work", "extract")


def test_a_name_with_brackets_is_no_markup(tmp_path: Path) -> None:
    file = recipe(tmp_path, source("s", "warc", write(tmp_path / "a.warc.gz", ENGLISH)))
    file.write_text(file.read_text().replace('name = "test"', 'name = "corpus [/v1]"'))
    code, err = run(file)
    assert code == 0, err
