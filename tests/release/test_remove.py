"""Takedown: what is asked for is gone and stays gone, and nothing else moves."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.release.verify import verify
from pipeline.removal.remove import remove
from stages.release.left_out import url_key
from tests.corpora import documents, manifest, own, rows, run, text
from tests.runs import seimai

MADE = [{"id": str(n), "url": f"https://h{n % 7}.example/{n}", "text": text(n)} for n in range(60)]
GONE = "https://h3.example/10"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    run(folder, own(documents(folder, "d", MADE)) + "[splits]\nvalidation = 0.2\n")
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    copy = Path(shutil.copytree(made, tmp_path / "copy"))
    (copy / "recipe.toml").write_text((copy / "recipe.toml").read_text().replace(str(made), str(copy)))
    return copy


def ask(folder: Path, kind: str, *lines: str) -> list[object]:
    file = folder / f"{kind}.txt"
    file.write_text("\n".join(lines) + "\n")
    return ["remove", folder / "release", f"--{kind}", file, "--ticket", "T-1"]


def test_what_is_nowhere_is_said_to_be_nowhere(folder: Path) -> None:
    ran = seimai(*ask(folder, "urls", GONE + "/none"))
    assert (ran.code, "0 documents removed" in ran.out) == (0, True)
    assert "nothing in it is like that" in ran.err


def test_a_removed_url_is_gone_and_the_release_still_verifies(folder: Path) -> None:
    before, told = rows(folder), manifest(folder)
    removed = next(row for row in before if row["url"] == GONE)
    ran = seimai(*ask(folder, "urls", GONE))
    assert ran.code == 0, ran.err
    assert "1 documents removed by T-1" in ran.out
    assert rows(folder) == [row for row in before if row["url"] != GONE]
    verified = seimai("verify", folder / "release")
    assert verified.code == 0, verified.out
    new = manifest(folder)
    assert new["parent_id"] == told["id"] != new["id"]
    assert new["removals"] == [{"ticket": "T-1", "documents": 1}]
    assert new["funnel"]["removed"] == {"removed.request": 1}
    assert told["shards"]["tokens"]["qwen"] - new["shards"]["tokens"]["qwen"] == removed["n_tok_qwen"]
    release = folder / "release"
    for file in release.rglob("*"):
        if file.is_file() and file.suffix != ".parquet":
            content = file.read_text()
            assert GONE not in content
            assert removed["text"][:20] not in content
    told_by_shards = {
        line.split('"path":"')[1].split('"')[0] for line in (release / "shards.jsonl").read_text().splitlines()
    }
    assert {f"data/{file.name}" for file in (release / "data").iterdir()} == told_by_shards


def test_it_stays_out_of_later_runs_which_write_only_what_it_touched(folder: Path) -> None:
    assert seimai(*ask(folder, "urls", GONE)).code == 0
    removed = rows(folder)
    write = folder / "work" / "stages" / "write"
    before = {file.name for file in write.rglob("commit/*.json")}
    more = documents(folder, "more", [{"id": "n", "url": "https://new.example/", "text": text(1000)}])
    changed = (folder / "recipe.toml").read_text().replace('d.jsonl"]', f'd.jsonl", "{more}"]')
    (folder / "recipe.toml").write_text(changed)
    ran = seimai("run", folder / "recipe.toml", "--runner", "local", "--workers", 1)
    assert ran.code == 0, ran.err
    assert seimai("verify", folder / "release").code == 0
    found = {row["url"] for row in rows(folder)}
    assert GONE not in found
    assert found == {row["url"] for row in removed} | {"https://new.example/"}
    assert manifest(folder)["removals"] == [{"ticket": "T-1", "documents": 1}]
    assert len({file.name for file in write.rglob("commit/*.json")} - before) == 2, "the touched and the new partition"
    assert "not in the release: removed.request" in seimai("trace", GONE, "--run", folder / "recipe.toml").out


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.integers(0, 59), max_size=20))
def test_any_removal_leaves_the_rest_as_it_was(
    made: Path, tmp_path_factory: pytest.TempPathFactory, numbers: set[int]
) -> None:
    release = Path(shutil.copytree(made / "release", tmp_path_factory.mktemp("law") / "release"))
    before, urls = rows(made), {str(MADE[n]["url"]) for n in numbers} | {"https://nowhere.example/"}
    asks = [{"ticket": "T", "url": url_key(url)} for url in sorted(urls)]
    new, documents = remove(release, asks)
    left = rows(release.parent)
    assert left == [row for row in before if row["url"] not in urls]
    assert documents == len(before) - len(left)
    assert new.funnel.broken_laws() == []
    assert verify(release)[1] == []
    touched = {(row["source"], row["split"]) for row in before if row["url"] in urls}
    for file in (made / "release" / "data").iterdir():
        if not any(file.name.startswith(f"{source}-{split}-") for source, split in touched):
            assert (release / "data" / file.name).read_bytes() == file.read_bytes()
    assert remove(release, asks) == (new, 0), "asking twice changes nothing"


def test_verify_finds_a_document_that_was_to_go(folder: Path) -> None:
    """As after a removal that was killed between its list and its shards; asking again finishes it."""
    arguments = ask(folder, "urls", GONE)
    saved = Path(shutil.copytree(folder / "release", folder / "saved"))
    assert seimai(*arguments).code == 0
    shutil.copy(folder / "release" / "removals.jsonl", saved)
    shutil.rmtree(folder / "release")
    saved.rename(folder / "release")
    verified = seimai("verify", folder / "release")
    assert (verified.code, "stands in removals.jsonl" in verified.out) == (1, True)
    assert seimai(*arguments).code == 0
    assert seimai("verify", folder / "release").code == 0


def test_an_export_made_again_holds_nothing_that_was_removed(folder: Path) -> None:
    held_out = [row["id"] for row in rows(folder) if row["split"] == "validation"]
    for to in ("hf", "megatron"):
        assert seimai("export", folder / "release", folder / to, "--to", to).code == 0
    assert (folder / "megatron" / "own-validation.bin").exists()
    assert seimai(*ask(folder, "ids", *held_out)).code == 0
    for to in ("hf", "megatron"):
        assert seimai("export", folder / "release", folder / to, "--to", to).code == 0
    shards = sorted(file.name for file in (folder / "release" / "data").iterdir())
    assert sorted(file.name for file in (folder / "hf" / "data").iterdir()) == shards
    assert sorted(file.name for file in (folder / "megatron").glob("*.bin")) == ["own-train.bin"]


def test_hosts_and_ids(folder: Path) -> None:
    before = rows(folder)
    one = next(row for row in before if row["host"] == "h1.example")
    assert seimai(*ask(folder, "ids", one["id"])).code == 0
    assert seimai(*ask(folder, "hosts", "h2.example")).code == 0
    left = rows(folder)
    assert left == [row for row in before if row["host"] != "h2.example" and row["id"] != one["id"]]
    assert seimai("verify", folder / "release").code == 0
    hosts = {row["host"]: row for row in pq.read_table(folder / "release" / "hosts.parquet").to_pylist()}
    assert (hosts["h2.example"]["kept"], hosts["h2.example"]["main_reason"]) == (0, "removed.request")
    assert manifest(folder)["removals"] == [{"ticket": "T-1", "documents": len(before) - len(left)}]


def test_every_document_of_a_split_may_go(folder: Path) -> None:
    held_out = [row["id"] for row in rows(folder) if row["split"] == "validation"]
    assert seimai(*ask(folder, "ids", *held_out)).code == 0
    assert seimai("verify", folder / "release").code == 0
    assert {row["split"] for row in rows(folder)} == {"train"}


def test_what_is_not_there_is_still_kept_out(folder: Path) -> None:
    told = manifest(folder)
    ran = seimai(*ask(folder, "urls", "https://later.example/"))
    assert (ran.code, "0 documents removed" in ran.out) == (0, True)
    assert manifest(folder) == told
    extra = documents(folder, "later", [{"id": "l", "url": "https://later.example/", "text": text(2000)}])
    (folder / "recipe.toml").write_text(
        (folder / "recipe.toml").read_text().replace('d.jsonl"]', f'd.jsonl", "{extra}"]')
    )
    assert seimai("run", folder / "recipe.toml", "--runner", "local", "--workers", 1).code == 0
    assert len(rows(folder)) == told["shards"]["documents"]


def test_a_recipe_may_name_the_list_of_another_release(folder: Path, tmp_path: Path) -> None:
    assert seimai(*ask(folder, "urls", GONE)).code == 0
    other = tmp_path / "other"
    other.mkdir()
    path = documents(other, "d", MADE)
    listed = f'[output]\ndeny = ["{folder / "release" / "removals.jsonl"}"]\nwork = "work"\nrelease = "release"\n'
    (other / "recipe.toml").write_text(f'name = "other"\n{own(path)}{listed}')
    assert seimai("run", other / "recipe.toml", "--runner", "local", "--workers", 1).code == 0
    assert GONE not in {row["url"] for row in rows(other)}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--ticket", "T"], "nothing is asked for"),
        (["--ticket", " ", "--urls", "x"], "--ticket: who asks"),
        (["--ticket", "T", "--urls", "/nowhere"], "/nowhere: cannot be read"),
    ],
)
def test_wrong_use_is_one_line(folder: Path, arguments: list[str], says: str) -> None:
    ran = seimai("remove", folder / "release", *arguments)
    assert (ran.code, says in ran.err) == (2, True), ran.err


def test_a_line_that_is_no_id_is_named(folder: Path) -> None:
    ran = seimai(*ask(folder, "ids", "xyz"))
    assert (ran.code, "ids.txt:1: 'xyz' is no id (32 hex digits)" in ran.err) == (2, True)


def test_an_edited_release_is_refused(folder: Path) -> None:
    file = folder / "release" / "manifest.json"
    told = json.loads(file.read_text())
    told["name"] = "x"
    file.write_text(json.dumps(told))
    ran = seimai(*ask(folder, "urls", GONE))
    assert (ran.code, "its id is" in ran.err) == (1, True)


def test_one_of_twenty_thousand_documents_rewrites_a_tenth_of_the_bytes(tmp_path: Path) -> None:
    made = [{"id": str(n), "url": f"https://h.example/{n}", "text": text(n, 60)} for n in range(20_000)]
    run(tmp_path, own(documents(tmp_path, "d", made)))
    (shard,) = (tmp_path / "release" / "data").iterdir()
    before = chunks(shard)
    assert seimai(*ask(tmp_path, "urls", "https://h.example/10000")).code == 0
    assert seimai("verify", tmp_path / "release").code == 0
    (shard,) = (tmp_path / "release" / "data").iterdir()
    after = chunks(shard)
    changed = sum(map(len, after)) - sum(len(chunk) for chunk in after if chunk in before)
    assert 0 < changed < 0.1 * shard.stat().st_size


def chunks(shard: Path) -> set[bytes]:
    """The bytes of each column chunk: what a store that keeps equal ranges once would keep again."""
    content, metadata = shard.read_bytes(), pq.read_metadata(shard)
    found = set()
    for group in range(metadata.num_row_groups):
        for column in range(metadata.num_columns):
            chunk = metadata.row_group(group).column(column)
            found.add(content[chunk.data_page_offset : chunk.data_page_offset + chunk.total_compressed_size])
    return found
