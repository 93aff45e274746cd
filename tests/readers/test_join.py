"""Sources that were judged elsewhere, and those that only pass through."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.dumps import multistream
from tests.runs import Ran, recipe, seimai, source

ENGLISH = (
    "The committee met on Tuesday and agreed that the harbour should be dredged before the winter storms arrive. " * 5
)


def table(folder: Path, name: str, texts: list[str]) -> Path:
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    return path


def run(folder: Path, *sources: str) -> list[dict[str, Any]]:
    done = seimai("run", recipe(folder, "".join(sources)), "--runner", "local", "--workers", "2")
    assert done.code == 0, done.err
    assert seimai("verify", folder / "release").code == 0
    return [row for path in sorted((folder / "release/data").glob("*")) for row in pq.read_table(path).to_pylist()]


def test_what_was_judged_elsewhere_is_taken_as_it_is_but_compared_with_all(tmp_path: Path) -> None:
    dump, _ = multistream(tmp_path, "wiki", [[1, 2]])
    wiki = source("wiki", "mediawiki", dump)
    (first, second) = run(tmp_path, wiki)
    taken = ["ＡＢＣ　全角のまま。\n\n\n三行あけた。", first["text"], ENGLISH]
    joined = source("own", "jsonl", table(tmp_path, "own", taken), join="dedup")
    rows = run(tmp_path, wiki, joined)
    assert [row["text"] for row in rows if row["source"] == "own"] == sorted([taken[0], ENGLISH], key=taken.index)
    assert {row["text"] for row in rows if row["source"] == "wiki"} == {first["text"], second["text"]}


def test_what_passes_through_is_compared_with_itself_alone(tmp_path: Path) -> None:
    texts = [ENGLISH, ENGLISH, ENGLISH.replace("harbour", "canal")]
    judged = source("judged", "jsonl", table(tmp_path, "judged", [ENGLISH]), join="dedup")
    replay = source("replay", "jsonl", table(tmp_path, "replay", texts)) + "pass_through = true\n"
    other = source("other", "jsonl", table(tmp_path, "other", [*texts, "x"])) + "pass_through = true\n"
    rows = run(tmp_path, judged, replay, other)
    by_source = {
        name: [row["cluster_size"] for row in rows if row["source"] == name] for name in ("judged", "replay", "other")
    }
    assert by_source == {"judged": [1], "replay": [2, 1], "other": by_source["other"]}
    assert sorted(by_source["other"]) == [1, 1, 2]
    manifest = json.loads((tmp_path / "release/manifest.json").read_bytes())
    assert [entry["funnel"]["rejected"] for entry in manifest["sources"]] == [{}, {}, {}]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ('join = "langauge"', "did you mean 'language'?"),
        ('pass_through = "yes"', "pass_through = 'yes': true or false"),
        ('pass_through = true\njoin = "language"', "leave join = 'language' out"),
        ("range_mb = 1", "unknown key 'range_mb'"),
    ],
)
def test_a_wrong_joint_names_the_mend(tmp_path: Path, more: str, told: str) -> None:
    text = source("own", "jsonl", table(tmp_path, "own", ["x"])) + more
    done: Ran = seimai("plan", recipe(tmp_path, text))
    assert done.code == 2
    assert told in done.err
