"""What a careless user would write: one clear line that names the file, the key and the mend, and exit code 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.recipe.recipe import load
from tests.runs import GOLDEN, ROOT, recipe, seimai, source

WARC = source("crawl", "warc", GOLDEN / "crawl-1.warc.gz")


@pytest.mark.parametrize("file", sorted((ROOT / "manifests").glob("*.toml")), ids=lambda f: f.name)
def test_every_recipe_of_the_repository_loads(file: Path) -> None:
    assert load(file).sources


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (WARC + "[filter]\n", "unknown key 'filter'; did you mean 'filters'?"),
        (WARC.replace("kind", "knd"), "unknown key 'knd'; did you mean 'kind'?"),
        (WARC.replace('"warc"', '"wark"'), "kind = 'wark'; did you mean 'warc'?"),
        (WARC + "[stages.dedupe]\n", "unknown key 'dedupe'; did you mean 'dedup'?"),
        (WARC + "[stages.dedup]\nsimilarty = 0.7\n", "unknown key 'similarty'; did you mean 'similarity'?"),
        (WARC + '[stages.dedup]\nsimilarity = "high"\n', "similarity = 'high': Input should be a valid number"),
        (WARC + "[filters]\nselect = ['JB']\n", "no filter is called 'JB'"),
        (WARC + "[filters.bounds.JA999]\nat_least = 1\n", "bounds.JA999: no such filter"),
        (WARC + "[filters.bounds.JA101]\nat_least = 0.1\n", "a moved bound must say why"),
        (WARC + '[filters.bounds.JA101]\nat_least = "x"\nbecause = "y"\n', "must be a finite number"),
        (WARC + WARC, "two sources are called 'crawl'"),
        ("", "at least one [[source]]"),
        ("[[source]\n", "not valid TOML"),
    ],
)
def test_a_mistake_is_named_with_its_mend(tmp_path: Path, text: str, says: str) -> None:
    file = recipe(tmp_path, text)
    ran = seimai("plan", file)
    assert ran.code == 2
    assert says in ran.err
    assert str(file) in ran.err
    assert len(ran.err.strip().splitlines()) == 1


def test_paths_are_relative_to_the_recipe(tmp_path: Path) -> None:
    loaded = load(recipe(tmp_path, source("s", "warc", Path("x.warc.gz"))))
    assert loaded.sources[0].files == (str(tmp_path / "x.warc.gz"),)
    assert (loaded.work, loaded.release) == (tmp_path / "work", tmp_path / "release")


def test_a_moved_bound_keeps_its_reason(tmp_path: Path) -> None:
    loaded = load(recipe(tmp_path, WARC + '[filters.bounds.JA101]\nat_least = 0.05\nbecause = "statutes"\n'))
    assert {b.code: b.at_least for b in loaded.bounds}["JA101"] == 0.05
    assert loaded.because == {"JA101": "statutes"}


def test_selecting_and_ignoring_go_by_prefix(tmp_path: Path) -> None:
    loaded = load(recipe(tmp_path, WARC + "[filters]\nselect = ['JA1', 'JA2']\nignore = ['JA101']\n"))
    codes = {bound.code for bound in loaded.bounds}
    assert "JA101" not in codes
    assert {code[:3] for code in codes} == {"JA1", "JA2"}


def test_a_recipe_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such recipe"):
        load(tmp_path / "none.toml")
    with pytest.raises(UsageError, match="is a directory"):
        load(tmp_path)
