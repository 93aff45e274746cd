"""Inputs and outputs that cannot be used: one clear line, the right exit code, nothing half-written that counts."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from tests.runs import GOLDEN, places, recipe, seimai, source


def run(folder: Path, *files: Path, kind: str = "warc") -> tuple[int, list[str]]:
    ran = seimai("run", recipe(folder, source("s", kind, *files)), "--runner", "local", "--workers", 1)
    return ran.code, ran.err.strip().splitlines()


def test_without_a_verb_the_verbs_are_told() -> None:
    ran = seimai()
    assert (ran.code, ran.out) == (2, "")
    assert "run a recipe to its release" in ran.err


def test_an_empty_file(tmp_path: Path) -> None:
    empty = tmp_path / "empty.warc.gz"
    empty.touch()
    code, lines = run(tmp_path, empty)
    assert (code, len(lines)) == (2, 1)
    assert f"{empty} is empty (0 bytes)" in lines[0]


def test_a_wrong_path(tmp_path: Path) -> None:
    code, lines = run(tmp_path, tmp_path / "none.warc.gz")
    assert (code, len(lines)) == (2, 1)
    assert "none.warc.gz: no such file" in lines[0]


def test_a_pattern_that_matches_nothing(tmp_path: Path) -> None:
    code, lines = run(tmp_path, tmp_path / "*.warc.gz")
    assert (code, len(lines)) == (2, 1)
    assert "no file matches" in lines[0]


def test_a_directory_for_a_file(tmp_path: Path) -> None:
    code, lines = run(tmp_path, GOLDEN)
    assert (code, len(lines)) == (2, 1)
    assert "is a directory; name files" in lines[0]


@pytest.mark.parametrize("kind", ["warc", "mediawiki"])
def test_a_file_of_another_format(tmp_path: Path, kind: str) -> None:
    other = tmp_path / "notes.txt.gz"
    other.write_bytes(gzip.compress("これはただの文章です。".encode()))
    code, lines = run(tmp_path, other, kind=kind)
    assert code == 1
    assert any("notes.txt.gz" in line and "given up" in line for line in lines)
    assert not list(tmp_path.glob("release/manifest.json"))


def test_an_output_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "work").write_text("a file where the folder should be")
    code, lines = run(tmp_path, GOLDEN / "crawl-1.warc.gz")
    assert (code, len(lines)) == (2, 1)
    assert "work folder" in lines[0]
    assert "--work" in lines[0]


def test_a_cut_file_gives_its_whole_records_and_says_what_it_lost(tmp_path: Path) -> None:
    whole = (GOLDEN / "crawl-1.warc.gz").read_bytes()
    cut = tmp_path / "cut.warc.gz"
    cut.write_bytes(whole[: len(whole) * 2 // 3])
    ran = seimai("run", recipe(tmp_path, source("s", "warc", cut)), "--runner", "local", "--workers", 1)
    assert ran.code == 0
    assert "quarantined by extract" in ran.err
    assert seimai("verify", tmp_path / "release").code == 0


def test_one_bad_file_among_good_ones_fails_the_run_and_nothing_else(tmp_path: Path) -> None:
    bad = tmp_path / "bad.warc.gz"
    bad.write_bytes(gzip.compress(b"no WARC at all"))
    file = recipe(tmp_path, source("s", "warc", GOLDEN / "crawl-1.warc.gz", bad))
    ran = seimai("run", file, "--runner", "local", "--workers", 1)
    assert ran.code == 1
    assert "1 of the tasks failed" in ran.err
    assert len(list(tmp_path.glob("work/stages/minhash/*/commit/*"))) == 1, "the good file went all its way"
    assert not (tmp_path / "release" / "manifest.json").exists()


@pytest.mark.parametrize("arguments", [["run"], ["run", "x.toml", "--workers", "0"], ["frobnicate"], []])
def test_wrong_use_is_exit_code_2(arguments: list[str]) -> None:
    assert seimai(*arguments).code == 2


def test_a_trace_without_a_run(tmp_path: Path) -> None:
    file = recipe(tmp_path, source("s", "warc", GOLDEN / "crawl-1.warc.gz"))
    ran = seimai("trace", "https://example.jp/", "--run", file, *places(tmp_path))
    assert ran.code == 2
    assert "run it first" in ran.err
