"""Fifty pages in one WARC file that crash, hang, exhaust or raise inside the extractor's child: each costs itself."""

from __future__ import annotations

import json
import os
import random
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.runs import ROOT, finish, recipe, seimai, source, start, tree
from tests.warcs import Response, html, write

# What a page asks for -> how many pages ask for it, and what is told of them. A crash costs two starts of a child.
KINDS = {
    "segfault": (1, "crash: the child running stages.html:serve ended by SIGSEGV"),
    "exit": (1, "crash: the child running stages.html:serve ended with exit code 3"),
    "hang in C": (1, "deadline: stages.html:serve took more than"),
    "eat memory": (1, "memory: stages.html:serve needs more than the limit"),
    "grow": (1, "memory: stages.html:serve needs more than the limit"),
    "raise": (45, "raised: ValueError: 改行 を含む"),
}
POISON = [(kind, n) for kind, (pages, _) in KINDS.items() for n in range(pages)]
GOOD = 30


def _good(n: int) -> Response:
    draw = random.Random(n)
    names = ["".join(draw.choices("あいうえおかきくけこさしすせそたちつてとなにぬねの", k=4)) for _ in range(60)]
    text = "".join(f"山の上で{one}は{other}と話した。" for one, other in pairwise(names))
    return Response(html(text, f"話{n}"), url=f"https://good.example.jp/{n}", id=f"urn:uuid:good-{n}")


def _bad(kind: str, n: int) -> Response:
    body = html(f"毒【{kind}】これは{n}番目の悪いページです。読まないでください。")
    return Response(body, url=url(kind, n), id=f"urn:uuid:{url(kind, n)}")


def url(kind: str, n: int) -> str:
    return f"https://bad.example.jp/{kind.replace(' ', '-')}/{n}"


def _recipe(folder: Path, poison: list[tuple[str, int]]) -> Path:
    folder.mkdir()
    pages = [*map(_good, range(GOOD)), *(_bad(*each) for each in poison)]
    random.Random(0).shuffle(pages)
    warc = write(folder / "a.warc.gz", *pages)
    return recipe(folder, source("crawl", "warc", warc) + '[filters]\nselect = ["JA101"]\n')


def _run(file: Path, runner: str) -> None:
    path = os.pathsep.join(filter(None, (str(ROOT / "tests" / "poisoned"), os.environ.get("PYTHONPATH"))))
    ran = finish(start("run", file, "--runner", runner, "--workers", 1, PYTHONPATH=path))
    assert ran.code == 0, ran.err


def _kept(file: Path) -> list[dict[str, object]]:
    table = pq.read_table(file.parent / "release" / "data").drop_columns(["origin", "offset", "length", "date"])
    return sorted(table.to_pylist(), key=lambda row: str(row["id"]))


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = _recipe(tmp_path_factory.mktemp("poisoned") / "run", POISON)
    _run(file, "local")
    return file


def test_each_costs_itself_and_the_quarantine_says_what_where_and_why(poisoned: Path) -> None:
    assert len(POISON) == 50
    (found,) = poisoned.parent.glob("work/stages/extract/*/quarantine/*.jsonl")
    lost = {line["url"]: line for line in map(json.loads, found.read_text().splitlines())}
    assert lost.keys() == {url(*each) for each in POISON}
    for kind, n in POISON:
        line = lost[url(kind, n)]
        assert line["error"].startswith(KINDS[kind][1])
        assert line["where"].startswith("a.warc.gz at byte ")
        assert len(bytes.fromhex(line["id"])) == 16
    manifest = json.loads((poisoned.parent / "release" / "manifest.json").read_bytes())
    funnel = manifest["funnel"]
    assert (funnel["records"], funnel["quarantined"]) == (GOOD + 50, 50)
    assert funnel["lost"] == {"crash": 2, "deadline": 1, "memory": 2, "raised": 45}
    assert seimai("verify", poisoned.parent / "release").code == 0


@pytest.mark.parametrize("kind", KINDS)
def test_trace_tells_of_each_kind(poisoned: Path, kind: str) -> None:
    traced = seimai("trace", url(kind, 0), "--run", poisoned)
    assert traced.code == 0, traced.err
    assert "quarantined by extract: a.warc.gz at byte " in traced.out
    assert KINDS[kind][1] in traced.out


def test_good_pages_come_out_as_without_the_poison(poisoned: Path, tmp_path: Path) -> None:
    clean = _recipe(tmp_path / "clean", [])
    assert seimai("run", clean, "--runner", "local", "--workers", 1).code == 0
    assert len(_kept(clean)) == GOOD
    assert _kept(poisoned) == _kept(clean)


def test_the_same_bytes_again_and_by_ray(poisoned: Path, tmp_path: Path) -> None:
    again = _recipe(tmp_path / "again", POISON)
    _run(again, "ray")
    for folder in ("release", "work/stages"):
        assert tree(again.parent / folder) == tree(poisoned.parent / folder)
