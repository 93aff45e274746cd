"""Recipes whose inputs lie elsewhere, run to a release."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests import indexes
from tests.runs import Ran, recipe, seimai, source, tree
from tests.servers import Server, status
from tests.warcs import Response, html, write

ENGLISH = Response(b"<html><body><p>" + b"The cat sat on the mat. " * 40 + b"</p></body></html>")
NAMES = [f"crawl-data/CC-MAIN-2024-51/segments/1/warc/{i}.warc.gz" for i in range(4)]


NOUNS = [
    "母",
    "弟",
    "先生",
    "となりの人",
    "駅員",
    "画家",
    "犬",
    "手紙",
    "古い時計",
    "小さな箱",
    "夏の花",
    "雨がさ",
    "新しい靴",
    "青い自転車",
    "図書館",
    "市場",
    "丘の上",
    "港",
    "学校",
    "祖父の家",
]
VERBS = [
    "さがしていた",
    "見つけた",
    "ほめた",
    "わすれていた",
    "なおした",
    "送った",
    "かくした",
    "待っていた",
    "ながめた",
    "売った",
    "描いた",
    "運んだ",
]


def story(number: int, url: str = "") -> Response:
    """A page whose text is like no other's."""
    pick = random.Random(number).choice
    sentences = [
        f"{pick(NOUNS)}は、{pick(NOUNS)}が{pick(VERBS)}ので、{pick(NOUNS)}で{pick(NOUNS)}を{pick(VERBS)}。"
        for _ in range(12)
    ]
    return Response(html("".join(sentences)), url=url or f"https://example.jp/{number}", id=f"urn:uuid:{number:032x}")


def crawl(folder: Path, pages: int = 3) -> list[Path]:
    """WARC files in the folders that Common Crawl has them in, and the list of them."""
    for i, name in enumerate(NAMES):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write(folder / name, ENGLISH, *[story(10 * i + page + 1) for page in range(pages)])
    listed = folder / "crawl-data/CC-MAIN-2024-51/warc.paths.gz"
    listed.write_bytes(gzip.compress("\n".join(NAMES).encode() + b"\n"))
    return [folder / name for name in NAMES]


def publish(server: Server, folder: Path) -> None:
    for file in folder.rglob("*"):
        if file.is_file():
            server.put(f"/{file.relative_to(folder)}", file.read_bytes())


def network(server: Server) -> str:
    return f'[network]\nbase = "{server.url("/")}"\nrequests_per_second = 500.0\nattempts = 3\n'


def run(file: Path, *more: object) -> Ran:
    return seimai("run", file, "--runner", "local", "--workers", 1, *more)


def table(release: Path) -> list[dict[str, object]]:
    return [row for shard in sorted(release.glob("data/*.parquet")) for row in pq.read_table(shard).to_pylist()]


def test_a_crawl_is_fetched_and_read_as_if_it_lay_here(tmp_path: Path, server: Server) -> None:
    files = crawl(tmp_path / "cc")
    publish(server, tmp_path / "cc")
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    here = run(recipe(tmp_path / "here", source("cc", "warc", *files)))
    there = run(recipe(tmp_path / "there", source("cc", "warc", "CC-MAIN-2024-51") + network(server)))
    assert (here.code, there.code) == (0, 0), there.err
    rows = [[{**row, "origin": ""} for row in table(tmp_path / where / "release")] for where in ("here", "there")]
    assert len(rows[0]) == 12
    assert sorted(rows[0], key=str) == sorted(rows[1], key=str)


def test_a_share_of_a_crawl_asks_for_no_more(tmp_path: Path, server: Server) -> None:
    crawl(tmp_path / "cc")
    publish(server, tmp_path / "cc")
    assert run(recipe(tmp_path, source("cc", "warc", "CC-MAIN-2024-51") + "share = 0.8\n" + network(server))).code == 0
    fetched = {asked.path for asked in server.gets() if asked.path.endswith(".warc.gz")}
    assert 0 < len(fetched) < len(NAMES)


def test_a_second_run_fetches_nothing_and_a_broken_stream_changes_nothing(tmp_path: Path, server: Server) -> None:
    crawl(tmp_path / "cc")
    publish(server, tmp_path / "cc")
    for where in ("calm", "rough"):
        (tmp_path / where).mkdir()
        file = recipe(tmp_path / where, source("cc", "warc", "CC-MAIN-2024-51") + network(server))
        if where == "rough":
            server.faults.extend([None, *([status(503, Retry_After="0"), None] * 4)])
        assert run(file).code == 0
    assert tree(tmp_path / "calm/release") == tree(tmp_path / "rough/release")
    before = len([asked for asked in server.asked if ".warc.gz" in asked.path])
    assert run(file).code == 0
    assert len([asked for asked in server.asked if ".warc.gz" in asked.path]) == before


def test_on_ray_one_desk_hands_out_the_turns_and_the_bytes_are_the_same(tmp_path: Path, server: Server) -> None:
    crawl(tmp_path / "cc")
    publish(server, tmp_path / "cc")
    server.pause = 0.2
    for runner in ("local", "ray"):
        (tmp_path / runner).mkdir()
        text = source("cc", "warc", "CC-MAIN-2024-51") + network(server) + "connections = 1\n"
        ran = seimai("run", recipe(tmp_path / runner, text), "--runner", runner, "--workers", 2)
        assert ran.code == 0, ran.err
    assert tree(tmp_path / "local/release") == tree(tmp_path / "ray/release")
    assert server.peak == 1


def test_a_server_that_refuses_stops_the_run_at_once(tmp_path: Path, server: Server) -> None:
    crawl(tmp_path / "cc")
    publish(server, tmp_path / "cc")
    server.head_faults.append(None)  # the list
    server.head_faults.extend([status(403)] * 100)
    ran = run(recipe(tmp_path, source("cc", "warc", "CC-MAIN-2024-51") + network(server)))
    assert ran.code == 1
    assert "403" in ran.err
    assert "requests_per_second" in ran.err
    refused = [asked for asked in server.asked if asked.path.endswith(".warc.gz")]
    assert len(refused) <= 2, "those under way end; asking on would make it worse"


def indexed(folder: Path, server: Server, more: str) -> Path:
    files = crawl(folder / "cc")
    rows = [row for file, name in zip(files, NAMES, strict=True) for row in indexes.rows_of(file, name)]
    index = indexes.write(folder / "index.parquet", rows)
    publish(server, folder / "cc")
    table = f'[[source]]\nname = "cc"\nkind = "warc"\n[source.index]\nfiles = ["{index}"]\n{more}'
    return recipe(folder, table + network(server))


def test_chosen_records_are_fetched_by_ranges_and_keep_their_place(tmp_path: Path, server: Server) -> None:
    file = indexed(tmp_path, server, 'urls = "/[0-9]*1$"\n')
    plan = seimai("plan", file)
    assert "records     4" in plan.out
    assert not [asked for asked in server.asked if ".warc.gz" in asked.path], "the estimate costs no request"
    assert run(file).code == 0
    rows = table(tmp_path / "release")
    assert {row["url"] for row in rows} == {f"https://example.jp/{n}" for n in (1, 11, 21, 31)}
    for row in rows:
        content = (tmp_path / "cc" / str(row["file"])).read_bytes()
        record = gzip.decompress(content[row["offset"] : row["offset"] + row["length"]])  # type: ignore[operator,misc]
        assert f"WARC-Target-URI: {row['url']}\r\n".encode() in record
    assert not [asked for asked in server.gets() if ".warc.gz" in asked.path and "range" not in asked.headers]


def test_the_sample_of_what_an_index_leaves_out_is_told_apart(tmp_path: Path, server: Server) -> None:
    file = indexed(tmp_path, server, 'urls = "/1$"\nleft_out = 1\n')
    assert run(file).code == 0
    manifest = json.loads((tmp_path / "release/manifest.json").read_text())
    (sample,) = manifest["sources"][0]["samples"]
    assert (sample["of"], sample["one_in"], sample["records"], sample["written"]) == ("index", 1, 11, 11)
    assert sample["recall"] == pytest.approx(1 / 12, abs=1e-6)


def test_select_copies_records_from_wherever_they_lie(tmp_path: Path, server: Server) -> None:
    crawl(tmp_path / "cc")
    publish(server, tmp_path / "cc")
    file = recipe(tmp_path, source("cc", "warc", "CC-MAIN-2024-51") + network(server))
    out = tmp_path / "sample.warc.gz"
    ran = seimai("select", file, "-o", out, "--url", "https://example.jp/12", "--url", "https://example.jp/31")
    assert (ran.code, "2 records" in ran.err) == (0, True), ran.err
    again = tmp_path / "again"
    again.mkdir()
    assert run(recipe(again, source("sample", "warc", out))).code == 0
    assert {row["url"] for row in table(again / "release")} == {"https://example.jp/12", "https://example.jp/31"}
    assert seimai("select", file, "-o", out, "--url", "https://nobody.example/").code == 1


def test_the_gates_rejects_can_be_sampled_to_measure_what_it_misses(tmp_path: Path) -> None:
    short = [Response(html("日本語のページ"), url=f"https://example.jp/short/{n}") for n in range(20)]
    warc = write(tmp_path / "a.warc.gz", story(1), ENGLISH, *short)
    file = recipe(tmp_path, source("s", "warc", warc) + "gate_sample = 4\n")
    assert run(file).code == 0
    manifest = json.loads((tmp_path / "release/manifest.json").read_text())
    (sample,) = manifest["sources"][0]["samples"]
    assert sample["of"] == "gate"
    assert 1 <= sample["records"] <= 12
    assert sample["records"] + manifest["funnel"]["passed"]["passed.not-japanese"] == 21
    assert "1 in 4 was looked at" in run(file).out


def test_blocked_hosts_are_passed_by_and_the_list_is_part_of_the_recipe(tmp_path: Path) -> None:
    pages = [story(n, url) for n, url in enumerate(["https://a.bad.example/", "https://notbad.example/"], 1)]
    warc = write(tmp_path / "a.warc.gz", *pages)
    (tmp_path / "block.txt").write_text("# mine\nbad.example\n")
    file = recipe(tmp_path, source("s", "warc", warc) + 'block_hosts = ["*.txt"]\n')
    assert run(file).code == 0
    assert [row["host"] for row in table(tmp_path / "release")] == ["notbad.example"]
    (tmp_path / "block.txt").write_text("notbad.example\n")
    assert run(file).code == 0
    assert [row["host"] for row in table(tmp_path / "release")] == ["a.bad.example"]
    (tmp_path / "block.txt").write_text("co.jp\n")
    ran = run(file)
    assert ran.code == 1
    assert "block.txt" in ran.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('files = ["CC-MAIN-2024-51"]\n[source.index]\nfiles = ["x"]\n', "not both"),
        ('[source.index]\nfiles = ["x"]\nlanguage = ["jpn"]\n', "did you mean 'languages'"),
        ('[source.index]\nfiles = ["x"]\nlanguages = ["ja"]\n', "'jpn'"),
        ('share = 0.1\n[source.index]\nfiles = ["x"]\n', "set it in [source.index]"),
        ('files = ["a"]\nshare = 0\n', "over 0"),
        ('files = ["a"]\n[network]\nconnections = 0\n', "connections"),
        ('files = ["https://example.jp/a.warc.gz"]\n', "[network] contact"),
    ],
)
def test_what_cannot_be_meant_is_said_before_anything_runs(tmp_path: Path, text: str, said: str) -> None:
    ran = run(recipe(tmp_path, f'[[source]]\nname = "s"\nkind = "warc"\n{text}'))
    assert (ran.code, said in ran.err) == (2, True), ran.err
