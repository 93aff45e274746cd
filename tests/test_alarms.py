"""Alarms: a run stops before it writes what is more often a mistake, says with which documents, and can be told to go on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.runs import recipe, seimai, source


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


def run(folder: Path, text: str, *more: str):
    return seimai("run", recipe(folder, text), "--runner", "local", "--workers", "1", *more)


def test_a_source_that_would_vanish_stops_the_run(tmp_path: Path) -> None:
    documents = [(f"https://a.example/{n}", sentences(n)) for n in range(110)]
    copies = [(f"https://b.example/{n}", text) for n, (_, text) in enumerate(documents)]
    text = (
        "[stages.dedup]\nlevels = ['exact']\n" + table(tmp_path, "main", documents) + table(tmp_path, "mirror", copies)
    )
    ran = run(tmp_path, text)
    assert ran.code == 1
    assert "source 'mirror' loses 100.0% of its 110 documents as duplicates, such as https://b.example/" in ran.err
    assert "to https://a.example/" in ran.err
    assert "--ignore-alarms" in ran.err
    assert not (tmp_path / "release/manifest.json").exists()
    ran = run(tmp_path, text, "--ignore-alarms")
    assert ran.code == 0, ran.err
    alarms = json.loads((tmp_path / "release/manifest.json").read_bytes())["dedup"]["alarms"]
    assert [alarm.split()[0] for alarm in alarms] == ["source", "host"]
    assert "alarm: source 'mirror' loses" in ran.out
    assert run(tmp_path, text + "[alarms]\nsource_share = 1.0\n").code == 0
    assert run(tmp_path, text + "[alarms]\nstop = ['host']\n").code == 1
    assert run(tmp_path, text + "[alarms]\nstop = []\n").code == 0


def test_a_host_and_one_text_everywhere_are_named(tmp_path: Path) -> None:
    notice = "このページを見るにはJavaScriptを有効にしてください。" * 3
    rows = [(f"https://broken.example/{n}", notice) for n in range(100)]
    rows += [(f"https://whole.example/{n}", sentences(n)) for n in range(120)]
    text = "[stages.dedup]\nlevels = ['exact']\n" + table(tmp_path, "s", rows)
    ran = run(tmp_path, text)
    assert ran.code == 1
    assert "45.5% of the 220 documents are one text, that of https://broken.example/" in ran.err
    assert "host" not in ran.err
    ran = run(tmp_path, text + "[alarms]\ncopies_share = 0.5\n")
    assert ran.code == 0
    assert "alarm: host 'broken.example' loses 99.0% of its 100 documents" in ran.out


def test_large_components_and_short_texts_are_told(tmp_path: Path) -> None:
    rows = [(f"https://a.example/{n}", f"{n}") for n in range(120)] + [
        (f"https://b.example/{n}", sentences(1)) for n in range(3)
    ]
    ran = run(tmp_path, table(tmp_path, "s", rows) + "[alarms]\ncomponent = 2\nstop = ['component']\n")
    assert ran.code == 1
    assert "3 documents were suspected together, such as https://b.example/" in ran.err
    assert "too short" not in ran.err
    ran = run(tmp_path, table(tmp_path, "s", rows))
    assert ran.code == 1
    assert "97.6% of the 123 documents are too short for a signature" in ran.err


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("stop = ['sauce']", "stop knows source, host"),
        ("source_share = 0", "source_share must be over 0"),
        ("sorce_share = 0.5", "did you mean 'source_share'?"),
        ("component = 0", "component must be at least 1"),
    ],
)
def test_a_wrong_bound_names_the_mend(tmp_path: Path, more: str, told: str) -> None:
    done = seimai("plan", recipe(tmp_path, table(tmp_path, "s", [("", "x")]) + f"[alarms]\n{more}\n"))
    assert done.code == 2
    assert told in done.err
