"""Template lines: found by host and across hosts, left out by spans, the same for any partitioning."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.base import MAIN, Inputs, Part, document_id
from stages.edits.edits import EDITS_TYPE
from stages.signatures.dedupkey import dedup_key
from stages.spans import apply
from stages.template_lines.counts import HOSTS_OUTPUT, LineCounts
from stages.template_lines.keys import lines_of
from stages.template_lines.masks import LITTLE_LEFT, LineMasks, without
from stages.template_lines.rule import Rule
from stages.template_lines.template_lines import TemplateLines
from tests.dedup_corpus import rows_of, run
from tests.runs import recipe, seimai, source


@dataclass(frozen=True)
class Page:
    name: str
    host: str
    text: str
    keep: bool = True

    @property
    def id(self) -> bytes:
        return document_id(self.name)


def part(folder: Path, id: str, pages: Sequence[Page]) -> Part:
    folder = folder / id
    folder.mkdir(parents=True, exist_ok=True)
    extract = pa.table(
        {
            "id": pa.array([page.id for page in pages], pa.binary(16)),
            "host": pa.array([page.host for page in pages], pa.string()),
            "text": pa.array([page.text for page in pages], pa.large_string()),
        }
    )
    rows = {
        "extract": rows_of(folder, "extract", extract),
        "edits": rows_of(folder, "edits", pa.table({"edits": pa.array([[] for _ in pages], EDITS_TYPE)})),
        "dedup": rows_of(folder, "dedup", pa.table({"keep": pa.array([page.keep for page in pages], pa.bool_())})),
    }
    return Part(id, "web", 0, rows)


def masks(folder: Path, groups: Sequence[Sequence[Part]], rule: Rule) -> tuple[dict[str, dict], bytes]:
    """Document name -> its mask (ids stand for names), and the bytes of the templates."""
    runs = []
    for number, group in enumerate(groups):
        written, _ = run(LineCounts(rule), Inputs(parts=tuple(group)), folder / f"counts{number}")
        rows = {"line-counts": written[MAIN], "line-hosts": written[HOSTS_OUTPUT]}
        runs.append(Part(f"run{number}", "", -1, rows))
    judged, _ = run(TemplateLines(rule), Inputs(parts=tuple(runs)), folder / "judged")
    templates = Part("templates", "", -1, {"template-lines": judged[MAIN]})
    found: dict[str, dict] = {}
    for number, (group, counted) in enumerate(zip(groups, runs, strict=True)):
        inputs = Inputs(parts=(*group, counted, templates))
        written, _ = run(LineMasks(rule), inputs, folder / f"masks{number}")
        for each in group:
            ids = each.rows["extract"].read(("id",))["id"].to_pylist()
            found.update(zip((id.hex() for id in ids), written[each.id].read().to_pylist(), strict=True))
    return found, Path(judged[MAIN].path).read_bytes()


def texts(pages: Sequence[Page], found: dict[str, dict]) -> dict[str, str]:
    """What is left of each page."""
    return {
        page.name: apply(page.text, [(s["start"], s["end"], "") for s in found[page.id.hex()]["spans"]])
        for page in pages
    }


def naive(pages: Sequence[Page], rule: Rule) -> dict[str, set[str]]:
    """Keys (as texts) of the lines that each page loses, by the rule as it is worded."""

    def key(line: str) -> str:
        return dedup_key(line, rule.mask_digits).tobytes().decode("utf-32-le")

    counted = [page for page in pages if page.keep and page.host]
    having: dict[str, list[Page]] = defaultdict(list)
    for page in counted:
        for line in sorted({key(line) for line in page.text.split("\n")} - {""}):
            having[line].append(page)
    lost: dict[str, set[str]] = {page.name: set() for page in pages}
    for line, of_line in having.items():
        hosts = sorted({page.host for page in of_line})
        for host in hosts:
            same = sorted((page for page in of_line if page.host == host), key=lambda page: page.id)
            total = sum(page.host == host for page in counted)
            if len(same) >= max(rule.host_documents, rule.host_share * total) and len(line) >= rule.host_characters:
                for page in same[rule.host_keep :]:
                    lost[page.name].add(line)
        if len(hosts) >= rule.hosts and len(line) >= rule.hosts_characters:
            for page in sorted(of_line, key=lambda page: page.id)[rule.hosts_keep :]:
                lost[page.name].add(line)
    return lost


LINES = [
    "はい。",
    "ありがとうございます。",
    "ログインしてください",
    "ロ グ イ ン して、ください",
    "★★★",
    "",
    "12月3日の便り",
    "4月5日の便り",
    "港の朝は早い",
]
PAGES = st.lists(
    st.tuples(
        st.sampled_from(["a.jp", "b.jp", "c.jp", ""]), st.lists(st.sampled_from(LINES), max_size=6), st.booleans()
    ),
    max_size=14,
)
RULES = st.builds(
    Rule,
    host_documents=st.integers(2, 4),
    host_share=st.sampled_from([0.0, 0.5, 0.8]),
    host_characters=st.integers(1, 9),
    host_keep=st.integers(0, 2),
    hosts=st.integers(2, 3),
    hosts_characters=st.integers(1, 9),
    hosts_keep=st.integers(0, 2),
    least=st.just(3),
    mask_digits=st.booleans(),
)


@settings(max_examples=40, deadline=None)
@given(PAGES, RULES, st.integers(1, 3))
def test_masks_are_those_of_the_rule_for_any_partitioning(
    tmp_path_factory: pytest.TempPathFactory, drawn: list, rule: Rule, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("masks")
    pages = [Page(str(n), host, "\n".join(lines), keep) for n, (host, lines, keep) in enumerate(drawn)]
    found, templates = masks(folder / "whole", [[part(folder / "whole", "p", pages)]], rule)
    parts = [part(folder / "cut", f"q{n}", pages[n::cut]) for n in range(cut)]
    again, same = masks(folder / "cut", [[each] for each in reversed(parts)], rule)
    assert again == found
    assert same == templates
    expected, left = naive(pages, rule), texts(pages, found)
    for page in pages:
        lines = lines_of(page.text, rule.mask_digits)
        keys = [dedup_key(line, rule.mask_digits).tobytes().decode("utf-32-le") for line in page.text.split("\n")]
        goes = np.array([key in expected[page.name] for key in keys])
        mask = found[page.id.hex()]
        assert mask["lines"] == goes.sum()
        assert left[page.name] == apply(page.text, without(page.text, lines, goes))
        assert mask["characters"] == len(page.text) - len(left[page.name])
        assert mask["reason"] == (LITTLE_LEFT if mask["lines"] and len(left[page.name].strip()) < 3 else "")


@given(st.lists(st.sampled_from(["あ", "い", "", " "]), min_size=1, max_size=9), st.data())
def test_what_stays_is_the_other_lines_and_no_new_blank_ones(lines: list[str], data: st.DataObject) -> None:
    text = "\n".join(lines)
    goes = np.array([bool(line.strip()) and data.draw(st.booleans()) for line in lines], dtype=np.bool_)
    left = apply(text, without(text, lines_of(text), goes))
    stays = [line for line, out in zip(lines, goes, strict=True) if line.strip() and not out]
    assert [line for line in left.split("\n") if line.strip()] == stays
    if goes.any():
        most = lambda text: max(map(len, "".join("x" if line.strip() else "_" for line in text.split("\n")).split("x")))  # noqa: E731
        assert most(left) <= max(most(text), not stays)
    else:
        assert left == text


def test_lines_of_a_text_are_those_between_its_line_feeds() -> None:
    text = "一行目。\n\nＡＢＣ abc\r\n"
    lines = lines_of(text)
    assert [text[start:end] for start, end in zip(lines.start, lines.end, strict=True)] == text.split("\n")
    assert lines.characters.tolist() == [3, 0, 6, 0]
    assert lines.key[1] == lines.key[3] == 0
    assert lines_of("「abcabc」！").key[0] == lines.key[2]
    assert lines_of("1月").key[0] != lines_of("2月").key[0]
    assert lines_of("1月", True).key[0] == lines_of("２月", True).key[0]


def prose(n: int) -> str:
    return (
        f"{n}番目の港では、{n * 7 % 101}年の夏に{n * 13 % 97}隻の船が魚と塩を運び、{n * 29 % 89}人の子どもがそれを見ていた。"
        * 3
    )


def test_what_people_say_on_many_hosts_stays(tmp_path: Path) -> None:
    pages = [Page(f"{n}", f"h{n % 40}.jp", f"はい。\nありがとうございます。\n{prose(n)}") for n in range(200)]
    found, _ = masks(tmp_path, [[part(tmp_path, "p", pages)]], Rule())
    assert {mask["lines"] for mask in found.values()} == {0}


def test_a_passage_on_many_hosts_stays_once(tmp_path: Path) -> None:
    release = "株式会社精米は本日、国産の米だけを使った新しい製品を来月一日から全国の店で売り出すと発表しました。"
    pages = [Page(f"{n}", f"h{n}.jp", f"{prose(n)}\n{release}") for n in range(30)]
    found, _ = masks(tmp_path, [[part(tmp_path, "p", pages)]], Rule())
    with_it = [page for page in pages if found[page.id.hex()]["lines"] == 0]
    assert with_it == [min(pages, key=lambda page: page.id)]


def jsonl(folder: Path, name: str, rows: Sequence[tuple[str, str]]) -> Path:
    path = folder / f"{name}.jsonl"
    lines = [json.dumps({"url": url, "text": text}, ensure_ascii=False) + "\n" for url, text in rows]
    path.write_text("".join(lines), encoding="utf-8")
    return path


def test_in_a_run_every_line_and_document_is_accounted_for(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    notice = "この記事の無断転載を固くお断りします。"
    rows = [(f"https://a.example/{n}", f"{prose(n)}\n\n{notice}") for n in range(24)]
    little = ("https://a.example/little", f"{notice}\n" * 7 + "港へ行きました。")
    filters = '[filters]\nselect = ["JA001"]\n'
    text = (
        filters
        + source("web", "jsonl", jsonl(tmp_path, "web", [*rows, little]), url_column="url")
        + source(
            "own",
            "jsonl",
            jsonl(tmp_path, "own", [("https://a.example/own", f"{prose(99)}\n{notice}")]),
            url_column="url",
            join="dedup",
        )
        + "[stages.dedup]\nsimilarity = 1.0\n"
    )
    ran = seimai("run", recipe(tmp_path, text), "--runner", "local", "--workers", "2")
    assert ran.code == 0, ran.err
    assert json.loads((tmp_path / "release/manifest.json").read_bytes())["templates"] is None
    text += "[template_lines]\n"
    ran = seimai("run", recipe(tmp_path, text), "--runner", "local", "--workers", "2")
    assert ran.code == 0, ran.err
    assert seimai("verify", tmp_path / "release").code == 0
    manifest = json.loads((tmp_path / "release/manifest.json").read_bytes())
    told = manifest["templates"]
    assert (told["of_hosts"], told["of_all"], told["documents"], told["lines"]) == (1, 0, 24, 24)
    assert told["characters"] == 24 * (len(notice) + 2)
    assert manifest["funnel"]["removed"] == {LITTLE_LEFT: 1}
    assert manifest["funnel"]["deduplicated"]["documents"] == manifest["funnel"]["written"]["documents"] + 1 == 26
    table = pq.read_table(tmp_path / "release/data").to_pylist()
    assert {row["url"] for row in table if notice in row["text"]} == {"https://a.example/own"}
    assert {row["text"] for row in table if row["source"] == "web"} == {prose(n) for n in range(24)}
    assert all(row["characters"] == len(row["text"]) for row in table)
    out = seimai("trace", little[0], "--run", tmp_path / "recipe.toml").out
    assert f"=> not in the release: {LITTLE_LEFT}" in out
    out = seimai("trace", rows[3][0], "--run", tmp_path / "recipe.toml").out
    assert f"    - {notice}" in out
    assert "=> in the release, without 1 template line(s)" in out
    assert "1 lines" not in ran.out
    assert "24 lines" in ran.out
    plan = seimai("plan", tmp_path / "recipe.toml").out
    assert "line-masks" in plan
    assert "never run" not in plan


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("host_documents = 1", "host_documents must be at least 2"),
        ("host_share = 2.0", "host_share must be 0 to 1"),
        ("keep = 1", "unknown key 'keep'"),
        ("least = -1", "least must not be negative"),
        ("hosts_characters = 0", "hosts_characters must be at least 1"),
    ],
)
def test_a_wrong_rule_names_the_mend(tmp_path: Path, more: str, told: str) -> None:
    text = source("own", "jsonl", jsonl(tmp_path, "own", [("", "x")])) + f"[template_lines]\n{more}\n"
    done = seimai("plan", recipe(tmp_path, text))
    assert done.code == 2
    assert told in done.err
