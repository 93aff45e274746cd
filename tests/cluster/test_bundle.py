"""What travels with a submitted job: all that a recipe names by relative paths, the code, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import UsageError
from pipeline.recipe import bundle as module
from pipeline.recipe import checks
from pipeline.recipe.bundle import JOB, bundle, named
from pipeline.recipe.identity import code_identity
from pipeline.recipe.recipe import load, parse
from tests.runs import QUICKSTART, ROOT

EVERY_PATH = """
name = "all"
[[source]]
name = "crawl"
kind = "warc"
files = ["warcs/*.warc.gz"]
block_hosts = ["lists/hosts.txt"]
[[source]]
name = "index"
kind = "warc"
index = { files = ["index/*.parquet"] }
[[source]]
name = "wiki"
kind = "mediawiki"
files = ["dumps/jawiki.xml.bz2"]
dump_index = "dumps/other-index.txt.bz2"
[[source]]
name = "books"
kind = "aozora"
files = ["books/*.zip"]
catalogue = "books/list.csv"
[[measure]]
name = "rivals"
kind = "list"
path = "lists/rivals.txt"
[[measure]]
name = "adult"
kind = "hosts"
path = "lists/adult"
[tokenizers]
one = "models/one.model"
two = { file = "models/two.json" }
qwen = "qwen"
[output]
work = "/mnt/work"
release = "/mnt/release"
deny = ["lists/removals.jsonl"]
"""
FILES = (
    *("warcs/a.warc.gz", "warcs/b.warc.gz", "lists/hosts.txt", "index/0.parquet", "dumps/jawiki.xml.bz2"),
    *("dumps/other-index.txt.bz2", "dumps/jawiki-index.txt.bz2", "books/1.zip", "books/list.csv", "lists/rivals.txt"),
    *("lists/adult/domains", "lists/adult/sub/urls", "models/one.model", "models/two.json", "lists/removals.jsonl"),
)


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    for name in FILES:
        file = tmp_path / "data [1]" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    (tmp_path / "data [1]" / "unnamed.txt").write_text("stays here")
    file = tmp_path / "data [1]" / "recipe.toml"
    file.write_text(EVERY_PATH)
    return file


def test_all_that_is_named_travels_and_nothing_else(recipe: Path) -> None:
    _, package = bundle(recipe)
    own = {name.removeprefix(f"{JOB}/") for name in package.files if name.startswith(f"{JOB}/")}
    assert own == {"recipe.toml", *FILES}
    assert package.recipe == f"{JOB}/recipe.toml"
    assert {name.split("/")[0] for name in package.files} == {JOB, "filters", "stages", "pipeline"}
    assert not [name for name in package.files if "__pycache__" in name]


def test_no_path_that_a_recipe_resolves_is_missed(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new kind of path in a recipe must be known to `named`, or its file would be missing from jobs."""
    resolved: set[str] = set()
    resolve: Callable[[Path, str], Path] = checks.resolve

    def spy(folder: Path, path: str) -> Path:
        resolved.add(path)
        return resolve(folder, path)

    monkeypatch.setattr(checks, "resolve", spy)
    load(recipe)
    known = {place.written for place in named(parse(recipe), "recipe")}
    assert resolved - {"/mnt/work", "/mnt/release"} == known


def test_paths_above_the_recipe_keep_their_place(tmp_path: Path) -> None:
    """Unpacked elsewhere, the recipe finds its inputs, with the packages beside it and nothing else installed of us."""
    recipe, package = bundle(QUICKSTART, work=str(tmp_path / "work"), release=str(tmp_path / "release"))
    assert recipe.name == "quickstart"
    assert package.recipe == f"{JOB}/manifests/quickstart.toml"
    package.write(tmp_path / "job.zip")
    unpacked = tmp_path / "unpacked"
    with zipfile.ZipFile(tmp_path / "job.zip") as archive:
        archive.extractall(unpacked)
    told = "import pipeline.recipe.identity as i; print(i.__file__, i.code_identity())"
    place, identity = subprocess.run(
        [sys.executable, "-c", told], cwd=unpacked, capture_output=True, text=True, check=True
    ).stdout.split()
    assert Path(place).is_relative_to(unpacked)
    assert identity == code_identity(), "the manifest names the code: a job's must be that of the checkout"
    ran = subprocess.run(
        [sys.executable, "-m", "pipeline", "plan", package.recipe, "--work", "/nowhere", "--release", "/nowhere"],
        cwd=unpacked,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "partitions: 3" in ran.stdout, ran.stderr


def test_the_same_files_are_the_same_package(recipe: Path, tmp_path: Path) -> None:
    bundle(recipe)[1].write(tmp_path / "one.zip")
    for file in recipe.parent.rglob("*.txt"):
        file.touch()
    bundle(recipe)[1].write(tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def _replaced(recipe: Path, old: str, new: str) -> Path:
    text = recipe.read_text()
    assert old in text
    recipe.write_text(text.replace(old, new))
    return recipe


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"/mnt/work"', '"work"', "work = work: a relative path in a submitted job .* temporary copy that is deleted"),
        ('"/mnt/release"', '"~/release"', "release = ~/release: a relative path"),
        (
            '"warcs/*.warc.gz"',
            '"~/w.warc.gz"',
            r"\[\[source\]\] 1 files: ~/w.warc.gz: the home folder of a job is another",
        ),
        ('"warcs/*.warc.gz"', '"none/*.gz"', "no file matches .*none/\\*.gz"),
        ('"lists/rivals.txt"', '"lists/gone.txt"', r"\[\[measure\]\] 1 path: no file matches .*lists/gone.txt"),
        ('kind = "warc"', 'kind = "wark"', "did you mean 'warc'"),
    ],
)
def test_refused_before_anything_is_uploaded(recipe: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        bundle(_replaced(recipe, old, new))


def test_too_much_to_travel(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIMIT", 100)
    with pytest.raises(UsageError, match=r"put them where every node sees them and give absolute paths"):
        bundle(recipe)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"warcs/*.warc.gz"', '"/mnt/crawl/*.warc.gz", "CC-MAIN-2024-51", "https://example.com/a.paths.gz"'),
        ('"lists/removals.jsonl"', '"/mnt/lists/removals.jsonl"'),
        ('["lists/hosts.txt"]', '["/mnt/lists/*.txt"]'),
        ('"lists/adult"', '"/mnt/lists/adult"'),
        ('"models/one.model"', '"/mnt/models/one.model"'),
    ],
)
def test_what_only_the_cluster_sees_is_left_to_it(recipe: Path, old: str, new: str) -> None:
    _, package = bundle(_replaced(recipe, old, new))
    assert not [name for name in package.files if "mnt" in name]


def test_the_wheel_would_have_all_that_travels() -> None:
    """Code that is installed is no checkout: what a job takes of it must be what setuptools was told to put there."""
    import tomllib

    from setuptools import find_packages

    told: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    packages = find_packages(str(ROOT), include=told["packages"]["find"]["include"])
    data = {file for name, globs in told["package-data"].items() for glob in globs for file in _in(name).glob(glob)}
    _, package = bundle(QUICKSTART, work="/mnt/w", release="/mnt/r")
    for name, file in package.files.items():
        if file.suffix == ".py":
            assert file.parent in map(_in, packages), f"{name} is in no package of pyproject.toml"
        elif file.suffix in (".txt", ".toml") and not name.startswith(JOB):
            assert file in data, f"{name} is no package data of pyproject.toml"


def _in(package: str) -> Path:
    return ROOT.joinpath(*package.split("."))
