"""A second crawl against the release of a first, through the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.corpora import documents, manifest, own, rows, run, text
from tests.runs import committed, recipe, seimai, tree


def page(number: int, suffix: str = "") -> dict[str, Any]:
    return {
        "id": f"{number}{suffix}",
        "url": f"https://h{number % 3}.jp/{number}{suffix}",
        "text": text(number) + suffix,
    }


def first(folder: Path, numbers: range, name: str = "first") -> Path:
    """The release of a crawl of these pages."""
    folder = folder / name
    folder.mkdir()
    crawl = documents(folder, "pages", [page(n) for n in numbers])
    file = recipe(folder, own(crawl))
    file.write_text(file.read_text().replace('name = "test"', f'name = "{name}"'))
    assert seimai("run", file, "--runner", "local", "--workers", 1).code == 0
    return folder / "release"


def against(*what: Path | str) -> str:
    return f"[dedup]\nagainst = [{', '.join(json.dumps(str(each)) for each in what)}]\n"


def second(folder: Path) -> tuple[Path, str]:
    """A folder of a crawl with ten old pages, five of them with a line more, and ten new ones; and its source."""
    folder.mkdir(exist_ok=True)
    pages = [page(n, "追記あり" if n % 2 else "") for n in range(10, 30)]
    return folder, own(documents(folder, "a", pages[0::2])) + own(documents(folder, "b", pages[1::2]), name="b")


def ids(folder: Path) -> set[str]:
    return {row["record"] for row in rows(folder)}


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return first(tmp_path_factory.mktemp("old"), range(20))


def test_what_the_first_release_has_is_not_in_the_second(tmp_path: Path, old: Path) -> None:
    folder, source = second(tmp_path / "second")
    made = run(folder, source + against(old))
    assert ids(folder) == {str(page(n, "追記あり" if n % 2 else "")["id"]) for n in range(20, 30)}
    new = made["new"]
    assert made["funnel"]["duplicates"] == {"dedup.known": 10}
    assert (new["documents"], new["known"], new["known_exactly"], new["hosts"]) == (10, 10, 5, 3)
    assert new["characters"] == made["shards"]["characters"]
    (index,) = new["against"]
    assert (index["name"], index["documents"], index["known"], index["left_out"]) == ("first", 20, 10, 0)
    assert [host["characters"] for host in new["most"]] == sorted((h["characters"] for h in new["most"]), reverse=True)
    assert sum(host["known"] for host in new["most"]) == 10
    told = seimai("report", folder / "release").out
    assert f"this crawl adds 10 documents, {new['characters']:,} characters, from 3 hosts" in told
    assert "dedup.known" in told and "new by host" in told
    for url, how in (("https://h1.jp/10", "the same dedup key"), ("https://h2.jp/11追記あり", "by compact signatures")):
        shown = seimai("trace", url, "--run", folder / "recipe.toml").out
        assert how in shown and "=> not in the release: dedup.known" in shown and "of first" in shown
    before = tree(folder)
    assert seimai("run", folder / "recipe.toml", "--runner", "local", "--workers", 1).code == 0
    assert {name: sha for name, sha in tree(folder).items() if "runs/" not in name} == {
        name: sha for name, sha in before.items() if "runs/" not in name
    }
    assert "│ index    │ 1         │ 0" in seimai("plan", folder / "recipe.toml").out


def test_taking_an_index_away_leaves_no_trace(tmp_path: Path, old: Path) -> None:
    folder, source = second(tmp_path / "second")
    never = run(folder, source)
    before = tree(folder / "release")
    assert run(folder, source + against(old))["shards"]["documents"] == 10
    markers = {stage: committed(folder / "work", stage) for stage in ("extract", "minhash", "index")}
    assert run(folder, source) == never
    assert tree(folder / "release") == before
    assert {stage: committed(folder / "work", stage) for stage in markers} == markers


def test_two_indexes_together_leave_what_neither_knows_in_any_order_and_by_any_workers(tmp_path: Path) -> None:
    one, other = (first(tmp_path, numbers, name) for name, numbers in (("one", range(14)), ("other", range(13, 20))))
    places = {"both": ([one, other], 1), "turned": ([other, one], 2), "only": ([one], 1), "rest": ([other], 1)}
    made = {}
    for name, (what, workers) in places.items():
        folder, source = second(tmp_path / name)
        made[name] = run(folder, source + against(*what), workers)
    survivors = {name: ids(tmp_path / name) for name in places}
    assert survivors["both"] == survivors["only"] & survivors["rest"] != survivors["only"]
    shards = [tree(tmp_path / name / "release" / "data") for name in ("both", "turned")]
    assert shards[0] == shards[1]
    stage = "work/stages/known"
    files = [{f.name: f.read_bytes() for f in (tmp_path / n / stage).glob("*/data/*")} for n in ("both", "turned")]
    assert files[0] == files[1] != {}
    known = [{each["name"]: each["known"] for each in made[name]["new"]["against"]} for name in ("both", "turned")]
    assert known[0] == known[1] and sum(known[0].values()) == 10


def test_an_index_takes_the_place_of_the_texts(tmp_path: Path, old: Path) -> None:
    old = Path(shutil.copytree(old, tmp_path / "first" / "release"))
    folder, source = second(tmp_path / "second")
    file = recipe(folder, source + against(old))
    made = seimai("index", file, "-o", tmp_path / "kept", "--runner", "local", "--workers", 1)
    assert made.code == 0 and "first: 20 documents" in made.out
    run(folder, source + against(old))
    shards, ran = tree(folder / "release" / "data"), committed(folder / "work", "known")
    shutil.rmtree(old.parent)
    run(folder, source + against(tmp_path / "kept" / "first"))
    assert tree(folder / "release" / "data") == shards
    assert committed(folder / "work", "known") == ran, "the same index makes nothing run again"
    other, source = second(tmp_path / "other")
    assert run(other, source + against(tmp_path / "kept" / "first"))["new"]["known"] == 10

    refused = seimai(
        "plan", recipe(other, source + against(tmp_path / "kept" / "first") + "[stages.minhash]\nngram = 7\n")
    )
    assert refused.code == 2 and "was made with ngram = 5 and not 7: make it again" in refused.err
    entry = tmp_path / "kept" / "first" / "index.json"
    keys = next(entry.parent.glob("keys-*"))
    keys.write_bytes(keys.read_bytes()[:-1])
    cut = seimai("plan", recipe(other, source + against(entry.parent)))
    assert cut.code == 1 and f"{keys}: " in cut.err and "make it again: seimai index" in cut.err
    entry.write_text("{}")
    broken = seimai("plan", recipe(other, source + against(entry.parent)))
    assert broken.code == 1 and "not a valid index: format_version: Field required" in broken.err


def test_an_old_release_without_a_document_knows_nothing(tmp_path: Path) -> None:
    old = first(tmp_path, range(1))
    assert seimai("remove", old, "--hosts", _lines(tmp_path, "h0.jp"), "--ticket", "t").code == 0
    folder, source = second(tmp_path / "second")
    new = run(folder, source + against(old))["new"]
    assert (new["documents"], new["known"], new["against"][0]["documents"]) == (20, 0, 0)


def test_files_with_a_text_column_of_another_name(tmp_path: Path) -> None:
    rows = [{"body": text(n), "key": f"web-{n}"} for n in range(20)] + [{"body": "", "key": "empty"}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "old.parquet")
    folder, source = second(tmp_path / "second")
    table = f'{{ name = "web", files = ["{tmp_path}/*.parquet"], text_column = "body", id_column = "key" }}'
    new = run(folder, source + f"[dedup]\nagainst = [{table}]\n")["new"]
    assert (new["known"], new["against"][0]["documents"], new["against"][0]["left_out"]) == (10, 20, 1)
    assert "web-10 of web" in seimai("trace", "https://h1.jp/10", "--run", folder / "recipe.toml").out


def test_what_was_masked_in_the_first_release_is_known_all_the_same(tmp_path: Path) -> None:
    """A release has no mail address; the crawl compared with it has: nearly the same text."""
    folder = tmp_path / "first"
    folder.mkdir()
    body = text(1, 40) + "連絡先は taro.yamada@example.co.jp です。"
    run(folder, own(documents(folder, "pages", [{"id": "a", "url": "https://h.jp/a", "text": body}])))
    assert "yamada" not in rows(folder)[0]["text"]
    again = tmp_path / "second"
    again.mkdir()
    pages = [{"id": "b", "url": "https://h.jp/b", "text": body}]
    new = run(again, own(documents(again, "pages", pages)) + against(folder / "release"))["new"]
    assert (new["known"], new["known_exactly"], new["documents"]) == (1, 0, 0)


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ('against = "old"', "a list of folders of releases"),
        ("against = [3]", "against[0]: 3: a list of folders"),
        ("aganst = []", "unknown key 'aganst'; did you mean 'against'?"),
        ('against = ["nowhere"]', "nowhere: no such file"),
        ('against = ["work"]', "is no release and no index"),
        ('against = ["*.jsonl"]', "give several files a name"),
        ('against = ["a.jsonl", "a.jsonl"]', "two are called 'a.jsonl'"),
        ('against = ["https://e.jp/old.parquet"]', "fetch it and give its path"),
        ('against = [{ name = "x" }]', "files must be a list"),
        ('against = [{ name = "x", files = ["a.jsonl"], column = "t" }]', "unknown key 'column'"),
        ('against = [{ name = "x", files = ["*.parquet"] }]', "no file matches"),
    ],
)
def test_a_mistake_is_one_line_with_its_mend(tmp_path: Path, said: str, says: str) -> None:
    folder, source = second(tmp_path / "second")
    (folder / "work").mkdir()
    ran = seimai("plan", recipe(folder, f"{source}[dedup]\n{said}\n"))
    assert ran.code == 2 and says in ran.err and len(ran.err.strip().splitlines()) == 1


def test_a_file_without_the_text_column_names_those_it_has(tmp_path: Path) -> None:
    pq.write_table(pa.table({"body": ["本文"], "url": ["u"]}), tmp_path / "old.parquet")
    folder, source = second(tmp_path / "second")
    ran = seimai("run", recipe(folder, source + against(tmp_path / "old.parquet")), "--runner", "local", "--workers", 1)
    assert ran.code == 1
    assert f"{tmp_path / 'old.parquet'}: no column 'text' (text_column in the recipe) in the file" in ran.err
    assert "there are: body, url" in ran.err and "Traceback" not in ran.err


def test_a_release_is_not_compared_with_itself(tmp_path: Path, old: Path) -> None:
    folder, source = second(tmp_path / "second")
    for first_run in (True, False):
        ran = seimai("run", recipe(folder, source + against(folder / "release")), "--runner", "local", "--workers", 1)
        assert ran.code == 2 and "the release of this recipe" in ran.err, first_run
        inside = f'[dedup]\nagainst = [{{ name = "x", files = ["{folder}/release/data/*.parquet"] }}]\n'
        if not first_run:
            assert "the release of this recipe" in seimai("plan", recipe(folder, source + inside)).err
        run(folder, source)
    shutil.copytree(folder / "release", tmp_path / "copy")
    assert run(folder, source + against(tmp_path / "copy"))["new"]["documents"] == 0


def test_a_damaged_release_is_refused(tmp_path: Path, old: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(old, copy)
    shard = next((copy / "data").glob("*.parquet"))
    shard.write_bytes(shard.read_bytes()[:-9] + b"123456789")
    folder, source = second(tmp_path / "second")
    ran = seimai("plan", recipe(folder, source + against(copy)))
    assert ran.code == 2 and str(shard) in ran.err and "seimai verify" in ran.err


def test_verify_proves_what_the_manifest_says_is_new(tmp_path: Path, old: Path) -> None:
    from pipeline.manifest.manifest import dump, read

    folder, source = second(tmp_path / "second")
    run(folder, source + against(old))
    made, _ = read(folder / "release")
    assert made.new is not None
    for change in ({"known": 9}, {"documents": 11}, {"characters": 1}):
        other = made.model_copy(update={"new": made.new.model_copy(update=change)}).sealed()
        (folder / "release" / "manifest.json").write_bytes(dump(other))
        told = seimai("verify", folder / "release")
        assert told.code == 1 and "manifest.json: new: " in told.out
    (folder / "release" / "manifest.json").write_bytes(dump(made))
    assert seimai("remove", folder / "release", "--hosts", _lines(tmp_path, "h0.jp"), "--ticket", "t").code == 0
    assert seimai("verify", folder / "release").code == 0
    assert manifest(folder)["new"] == made.new.model_dump()


def test_index_wants_something_to_index(tmp_path: Path) -> None:
    folder, source = second(tmp_path / "second")
    ran = seimai("index", recipe(folder, source), "-o", tmp_path / "x", "--runner", "local")
    assert ran.code == 2 and "compared with nothing" in ran.err


def _lines(folder: Path, *lines: str) -> Path:
    file = folder / "lines.txt"
    file.write_text("\n".join(lines) + "\n")
    return file
