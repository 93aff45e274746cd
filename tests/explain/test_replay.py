"""Replay over measured values: it says what `judge` said, and what a rerun with other bounds would say."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from filters.profiles import names
from pipeline.explain.diff import changed
from pipeline.explain.replay import measured
from pipeline.explain.tune import tune
from pipeline.recipe.filters import of_profile
from pipeline.recipe.recipe import Recipe, load
from stages.measure.judge import Bound
from stages.wikipedia.wikitext import clean
from tests.dumps import article
from tests.runs import recipe, seimai, source

SHORT = "短い文です。"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe whose run is complete: prose, and pages that some filter drops."""
    folder = tmp_path_factory.mktemp("replay")
    texts = [clean(article(n), "") for n in range(6)] + [SHORT, "商品A\n商品B\n" * 30, "記号###$$$%%%" * 20 + "です。"]
    lines = folder / "a.jsonl"
    lines.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    made = recipe(folder, source("a", "jsonl", lines, license="CC0-1.0"))
    assert seimai("run", made, "--runner", "local", "--workers", 1).code == 0
    return made


def _counted(made: Recipe) -> Counter[str]:
    parts = measured(made, [bound.code for bound in made.bounds])
    return Counter(reason for part in parts for reason in part.reasons(made.bounds))


def test_the_replayed_reasons_are_those_of_the_run(ran: Path) -> None:
    manifest = json.loads((ran.parent / "release/manifest.json").read_text(encoding="utf-8"))
    made = load(ran)
    replayed = _counted(made)
    reported = {
        code: n for code, n in manifest["funnel"]["rejected"].items() if code in {bound.code for bound in made.bounds}
    }
    assert reported
    assert {code: n for code, n in replayed.items() if code} == reported


def test_nothing_differs_between_a_recipe_and_itself_and_a_bound_changes_what_it_says(ran: Path) -> None:
    made = load(ran)
    assert list(changed(made, made)) == []
    done = seimai("diff", ran, ran, "--profile", "recall", "--output", ran.parent / "diff.jsonl")
    assert done.code == 0, done.err
    rows = [json.loads(line) for line in (ran.parent / "diff.jsonl").read_text(encoding="utf-8").splitlines()]
    assert f"documents with another fate: {len(rows)}" in done.out
    assert [row for row in rows if row["before"] and not row["after"]] or not rows
    assert seimai("diff", ran, ran, "--profile", "strict").out.count("kept -> JA") >= 1


def test_tune_counts_as_one_would_by_hand(ran: Path) -> None:
    made = load(ran)
    found = tune(made, "JA201", [Bound("JA201", 1, None), Bound("JA201", None, 0)], excerpts=3)
    (part,) = measured(made, [bound.code for bound in made.bounds])
    kept = _counted(made)[""]
    present, loose, none = found.rows
    assert (present.together.documents, none.alone.documents) == (kept, 0)
    assert loose.alone.documents == sum(value >= 1 for value in part.values["JA201"])
    assert loose.alone.characters == found.whole.characters == sum(part.characters)
    assert len(found.changed) == 3


def test_every_profile_is_whole_and_is_compared(ran: Path) -> None:
    done = seimai("profiles", "--run", ran)
    assert done.code == 0, done.err
    for name in names():
        assert of_profile(name).bounds
        assert name in done.out
        assert seimai("profiles", name).code == 0


@pytest.mark.parametrize(
    ("verb", "message"),
    [
        (("tune", "JA999"), "no filter is called JA999"),
        (("profiles", "strikt"), "did you mean 'strict'?"),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest(ran: Path, verb: tuple[str, str], message: str) -> None:
    done = seimai(*verb, *([ran] if verb[0] == "tune" else []))
    assert done.code == 2
    assert message in done.err


def test_what_was_not_run_is_told_what_to_run(ran: Path) -> None:
    other = ran.parent / "other.toml"
    other.write_text(ran.read_text(encoding="utf-8"), encoding="utf-8")
    done = seimai("tune", "JA101", other, "--work", ran.parent / "elsewhere")
    assert done.code == 2
    assert "run it first" in done.err
