"""Alarms: a run stops before it writes what is more often a mistake, says with which documents, and can be told to go on."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from pipeline.recipe.alarms import KINDS, Alarms, Raised, raised
from tests.runs import Ran, committed, recipe, seimai, source


def sentences(n: int) -> str:
    return (
        f"{n}番の港は{n * 7 % 101}年に開かれ、{n * 13 % 97}隻の船が{n * 29 % 89}の町へ魚と塩を運んでいた。" * 3
        + f"第{n}話はここで終わる。"
    )


def table(folder: Path, name: str, rows: list[tuple[str, str]]) -> str:
    path = folder / f"{name}.jsonl"
    path.write_text(
        "".join(json.dumps({"url": url, "text": text}, ensure_ascii=False) + "\n" for url, text in rows),
        encoding="utf-8",
    )
    return source(name, "jsonl", path, join="dedup", url_column="url")


def run(folder: Path, text: str, *more: str) -> Ran:
    return seimai("run", recipe(folder, text), "--runner", "local", "--workers", "1", *more)


def alarms(folder: Path) -> list[dict[str, object]]:
    manifest = json.loads((folder / "release/manifest.json").read_bytes())
    found: list[dict[str, object]] = manifest["dedup"]["alarms"]
    return found


def test_a_source_that_would_vanish_stops_the_run_until_that_is_meant(tmp_path: Path) -> None:
    documents = [(f"https://a.example/{n}", sentences(n)) for n in range(110)]
    copies = [(f"https://b.example/{n}", text) for n, (_, text) in enumerate(documents)]
    copies += [(f"https://b.example/again{n}", documents[70][1]) for n in range(4)]
    text = "[stages.dedup]\nlevels = ['exact']\n"
    text += table(tmp_path, "main", documents) + table(tmp_path, "mirror", copies)
    ran = run(tmp_path, text)
    assert ran.code == 1
    assert "source 'mirror' loses 100.0% of its 114 documents as duplicates, such as https://b.example/" in ran.err
    assert "most often to https://a.example/70" in ran.err
    assert "--ignore-alarms" in ran.err
    assert not (tmp_path / "release/manifest.json").exists()
    before = {stage: committed(tmp_path / "work", stage) for stage in ("minhash", "bands", "dedup")}
    ran = run(tmp_path, text, "--ignore-alarms")
    assert ran.code == 0, ran.err
    assert before == {stage: committed(tmp_path / "work", stage) for stage in before}
    assert "alarm: host 'b.example' loses 100.0%" in ran.err
    assert [(alarm["kind"], alarm["name"], alarm["documents"]) for alarm in alarms(tmp_path)] == [
        ("source", "mirror", 114),
        ("host", "b.example", 114),
    ]
    assert "alarm: source 'mirror' loses" in ran.out
    assert "https://" not in json.dumps(alarms(tmp_path)), "an address would outlive the removal of its page"
    assert seimai("verify", tmp_path / "release").code == 0
    for more, code in (("source_share = 1.0", 0), ("stop = ['host']", 1), ("stop = []", 0)):
        assert run(tmp_path, f"{text}[alarms]\n{more}\n").code == code, more
    assert run(tmp_path, text.replace("levels", "wipeout = 1.0\nlevels")).code == 0
    assert before == {stage: committed(tmp_path / "work", stage) for stage in before}, "a bound recomputes nothing"


def test_one_text_everywhere_is_named(tmp_path: Path) -> None:
    notice = "このページを見るにはJavaScriptを有効にしてください。" * 3
    rows = [(f"https://broken.example/{n}", notice) for n in range(100)]
    rows += [(f"https://whole.example/{n}", sentences(n)) for n in range(120)]
    text = "[stages.dedup]\nlevels = ['exact']\n" + table(tmp_path, "s", rows)
    ran = run(tmp_path, text)
    assert ran.code == 1
    assert "45.5% of all 220 documents are one text, that of https://broken.example/" in ran.err
    ran = run(tmp_path, text + "[alarms]\nkeeper_share = 0.5\ncomponent = 50\nidentical_share = 0.4\n")
    assert ran.code == 0
    assert "alarm: host 'broken.example' loses 99.0% of its 100 documents" in ran.err
    assert "alarm: 100 documents were suspected together, such as https://broken.example/" in ran.err
    assert "alarm: 45.0% of all 220 documents have the text of another" in ran.err
    assert [alarm["kind"] for alarm in alarms(tmp_path)] == ["host", "component", "identical"]


def test_short_texts_are_told(tmp_path: Path) -> None:
    rows = [(f"https://a.example/{n}", f"{n}") for n in range(120)]
    rows += [(f"https://b.example/{n}", sentences(1)) for n in range(3)]
    ran = run(tmp_path, table(tmp_path, "s", rows))
    assert ran.code == 1
    assert "97.6% of all 123 documents are too short for a signature" in ran.err
    assert "1 alarm(s)" in ran.err


def row(kind: str, documents: int, lost: int = 0) -> dict[str, object]:
    return {"kind": kind, "name": "n", "documents": documents, "lost": lost, "example": "e", "url": "u"} | {
        "keeper": "k",
        "keeper_url": "v",
    }


def kinds(rows: list[dict[str, object]], participants: int, copies: int = 0, **bounds: float) -> list[str]:
    counters = {"participants": participants, "copies": copies}
    return [alarm.kind for alarm in raised(rows, counters, Counter(), Alarms(**bounds))]  # type: ignore[arg-type]


def test_a_bound_is_what_may_be_and_small_numbers_are_no_sign() -> None:
    assert kinds([row("source", 100, 90)], 1000) == []
    assert kinds([row("source", 100, 91)], 1000) == ["source"]
    assert kinds([row("source", 99, 99), row("host", 99, 99)], 1000) == []
    assert kinds([row("host", 100, 99)], 1000) == ["host"]
    assert kinds([row("component", 100_000)], 1 << 20) == []
    assert kinds([row("component", 100_001)], 1 << 20) == ["component"]
    assert kinds([row("keeper", 20)], 100) == []
    assert kinds([row("keeper", 21)], 100) == ["keeper"]
    assert kinds([row("keeper", 99)], 99) == []
    assert kinds([row("text", 3)], 100, 75) == []
    assert kinds([row("text", 3)], 100, 76) == ["identical"]
    assert kinds([row("text", 3)], 99, 99) == []
    everything = [row("source", 100, 100), row("host", 100, 100), row("keeper", 100), row("text", 100)]
    off = {f"{kind}_share": 1.0 for kind in KINDS if kind != "component"}
    assert kinds(everything, 100, 99, **off) == []


def test_every_kind_is_told_in_words() -> None:
    for kind in KINDS:
        assert f"alarms.{kind}" in str(Raised(kind, "n", 9, 10, 0.5 if kind != "component" else 5, "e", "k", "u", "v"))


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("[alarms]\nstop = ['sauce']", "stop knows source, host"),
        ("[alarms]\nsource_share = 0", "source_share must be over 0"),
        ("[alarms]\nsorce_share = 0.5", "did you mean 'source_share'?"),
        ("[alarms]\ncomponent = 0", "component must be at least 1"),
        ("[alarms]\nsource_share = 0.5\n[stages.dedup]\nwipeout = 0.5", "said in [alarms] source_share already"),
        ("[stages.dedup]\nmask_digits = true\n[stages.minhash]\nmask_digits = false", "say it in one of them"),
        ("[stages.dedup]\nlevels = ['urls']", "dedup.levels knows url, exact, near, not urls"),
        ("[stages.bands]\naddresses = true", "follows from 'url' in [stages.dedup] levels"),
    ],
)
def test_a_wrong_bound_or_option_names_the_mend(tmp_path: Path, more: str, told: str) -> None:
    done = seimai("plan", recipe(tmp_path, table(tmp_path, "s", [("", "x")]) + f"{more}\n"))
    assert done.code == 2
    assert told in done.err
