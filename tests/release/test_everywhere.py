"""Erasing a document from the work folder: no file holds its text, the sums hold, later runs go on, a kill harms nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.removal.excerpts import Quoted
from pipeline.store import locks
from tests.corpora import documents, manifest, own, rows, run, text
from tests.runs import QUICKSTART, ROOT, committed, places, seimai

MADE = [{"id": str(n), "url": f"https://h{n % 7}.example/{n}", "text": text(n)} for n in range(40)]
MIRROR = {"id": "mirror", "url": "https://mirror.example/", "text": text(10, 19)}  # a little shorter, so 10 is kept
GONE = "https://h3.example/10"
# Columns that hold a code, a name of a source or a host, but nothing of a text.
CODES = {"level", "reason", "failed", "language", "host", "fate", "source", "main_reason", "template", "keep"}

ADDRESSES = {"kind", "name", "example", "url", "keeper", "keeper_url", "keys"}  # of the summary of dedup


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    run(folder, own(documents(folder, "d", [*MADE[:30], MIRROR]), documents(folder, "e", MADE[30:])))
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    copy = Path(shutil.copytree(made, tmp_path / "copy"))
    (copy / "recipe.toml").write_text((copy / "recipe.toml").read_text().replace(str(made), str(copy)))
    (copy / "urls").write_text(f"{GONE}\n")
    return copy


def ask(folder: Path) -> list[object]:
    arguments = ["remove", folder / "release", "--urls", folder / "urls", "--ticket", "T-1"]
    return [*arguments, "--everywhere", "--run", folder / "recipe.toml"]


def again(folder: Path) -> Any:
    ran = seimai("run", folder / "recipe.toml", "--runner", "local", "--workers", 1)
    assert ran.code == 0, ran.err
    verified = seimai("verify", folder / "release")
    assert verified.code == 0, verified.out
    return ran


def strings(kind: pa.DataType) -> bool:
    if pa.types.is_nested(kind):
        return any(strings(kind.field(n).type) for n in range(kind.num_fields))
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def contents(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every file below a folder as text: of Parquet all columns with any text, unpacked."""
    for file in sorted(folder.rglob("*")):
        if file.suffix == ".parquet":
            table = pq.read_table(file, partitioning=None)
            named = [field.name for field in table.schema if strings(field.type)]
            yield file, json.dumps(table.select(named).to_pydict(), ensure_ascii=False, default=repr)
        elif file.is_file():
            yield file, file.read_bytes().decode("utf-8", "replace")


def holders(folder: Path, sentences: set[str]) -> list[str]:
    """Files in which any of these sentences stands, as it is, in JSON or in HTML."""
    return [
        str(file.relative_to(folder))
        for file, content in contents(folder)
        if any(sentence in content.replace("\\n", "") for sentence in sentences)
    ]


def own_sentences(name: str, others: list[str]) -> set[str]:
    found = {part for line in name.splitlines() for part in line.split("。") if len(part) >= 8}
    return {part for part in found if not any(part in other for other in others)}


REMOVED = own_sentences(text(10), [str(row["text"]) for row in MADE if row["url"] != GONE])


def test_no_file_holds_the_text_and_the_next_run_goes_on(folder: Path) -> None:
    work, before = folder / "work", rows(folder)
    assert any("stages/extract" in name for name in holders(work, REMOVED))
    report = work / "runs" / "x" / "report.html"
    report.parent.mkdir()
    quoted = sorted(REMOVED)[0]
    report.write_text(f"<p>{quoted[:5]}<mark>{quoted[5:]}</mark> {text(10)[20:60]}</p>")
    log, plain = report.with_name("events.jsonl"), report.with_name("other.html")
    log.write_text(json.dumps({"error": f"at {GONE}"}) + "\n" + json.dumps({"event": "end"}) + "\n")
    plain.write_text(f"<p>{text(11)}</p>")
    assert seimai("dry-run", folder / "recipe.toml", "--stage", "edits", "--sample", 30).code == 0
    (work / "scratch" / "elsewhere-1-x").mkdir(parents=True)
    (work / "scratch" / "elsewhere-1-x" / "rows.parquet").write_text(text(10))
    markers = {stage: committed(work, stage) for stage in ("extract", "tokens", "edits", "minhash", "dedup", "write")}

    ran = seimai(*ask(folder))
    assert ran.code == 0, ran.err
    assert "1 documents removed by T-1" in ran.out
    assert holders(folder / "work", REMOVED) == []
    assert holders(folder / "release", REMOVED) == []
    assert not any(GONE in content or MIRROR["url"] in content for _, content in contents(work))
    assert (report.exists(), plain.exists(), log.read_text()) == (False, True, '{"event": "end"}\n')
    assert seimai("verify", folder / "release").code == 0
    assert not (work / "removals.pending").exists()

    again(folder)
    assert rows(folder) == [row for row in before if row["url"] != GONE]
    told = manifest(folder)
    assert told["removals"] == [{"ticket": "T-1", "documents": 1}]
    assert told["funnel"]["removed"] == {"removed.request": 1}
    assert told["funnel"]["duplicates"] == {"dedup.near": 1}, "the mirror stays a copy and does not take the place"
    for stage in ("extract", "tokens", "edits", "minhash", "dedup"):
        assert committed(work, stage) == markers[stage], f"{stage} did not run again"
    assert len(committed(work, "write") - markers["write"]) == 1, "one partition was written again"
    assert "everything was committed already" in again(folder).err

    scratch = folder / "scratch"
    scratch.mkdir()
    recipe = (folder / "recipe.toml").read_text().replace('work = "work"', 'work = "scratch/work"')
    denied = f'release = "scratch/release"\ndeny = ["{folder / "release" / "removals.jsonl"}"]'
    (folder / "recipe.toml").write_text(recipe.replace('release = "release"', denied))
    ran = seimai("run", folder / "recipe.toml", "--runner", "local", "--workers", 1)
    assert ran.code == 0, ran.err
    assert manifest(scratch) == told, "as made from the sources with the same list, without an erasure"


def test_extracted_from_scratch_the_text_does_not_come_to_lie_there_again(folder: Path) -> None:
    assert seimai(*ask(folder)).code == 0
    before = rows(folder)
    shutil.rmtree(folder / "work" / "stages")
    again(folder)
    assert holders(folder / "work", REMOVED) == []
    assert rows(folder) == before
    assert manifest(folder)["funnel"]["rejected"] == {"extract.erased": 2}, "the document and its mirror"


def test_without_its_list_an_erased_document_is_no_empty_row(folder: Path) -> None:
    assert seimai(*ask(folder)).code == 0
    for place in ("work", "release"):
        (folder / place / "removals.jsonl").unlink()
    ran = seimai("run", folder / "recipe.toml", "--runner", "local", "--workers", 1)
    assert (ran.code, "the text of 1 document(s) to be written was erased" in ran.err) == (1, True), ran.err


KILLED = """
import os, sys
from pathlib import Path
from pipeline.cli import main

def counted(name, steps, kill):
    call = getattr(os, name)
    def step(*arguments, **named):
        steps.append(name)
        if len(steps) == kill:
            os._exit(9)
        return call(*arguments, **named)
    setattr(os, name, step)

folder, kill = sys.argv[1], int(sys.argv[2])
steps = []
for name in ("replace", "rename", "unlink", "link", "rmdir"):
    counted(name, steps, kill)
code = main(["remove", f"{folder}/release", "--urls", f"{folder}/urls", "--ticket", "T-1", "--everywhere",
             "--run", f"{folder}/recipe.toml"])
print(len(steps))
sys.exit(code)
"""


def killed(folder: Path, at: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", KILLED, str(folder), str(at)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.75, 0.9, 1.0])
def test_killed_anywhere_it_is_finished_by_whoever_comes_next(
    folder: Path, tmp_path: Path, share: float, steps: int
) -> None:
    done = killed(folder, max(1, round(share * steps)))
    assert done.returncode == 9, done.stderr
    if share in (0.3, 0.75):
        ran = seimai("run", folder / "recipe.toml", "--runner", "local", "--workers", 1)
    else:
        ran = seimai(*ask(folder))
    assert ran.code == 0, ran.err
    assert seimai("verify", folder / "release").code == 0
    assert holders(folder / "work", REMOVED) == []
    assert holders(folder / "release", REMOVED) == []
    assert [place.name for place in (folder / "release").iterdir() if place.name.startswith(".")] == []
    assert {row["url"] for row in rows(folder)} == {row["url"] for row in MADE if row["url"] != GONE}


@pytest.fixture(scope="module")
def steps(made: Path, tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many changes to folders a removal makes, at each of which it may be killed."""
    copy = Path(shutil.copytree(made, tmp_path_factory.mktemp("steps") / "copy"))
    (copy / "recipe.toml").write_text((copy / "recipe.toml").read_text().replace(str(made), str(copy)))
    (copy / "urls").write_text(f"{GONE}\n")
    done = killed(copy, 0)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.splitlines()[-1])


def test_a_run_and_a_removal_keep_out_of_each_others_way(folder: Path) -> None:
    with locks.removing(folder / "release"):
        for command in (ask(folder), ["run", folder / "recipe.toml", "--runner", "local"]):
            ran = seimai(*command)
            assert (ran.code, len(ran.err.splitlines())) == (2, 1)
            assert "run this again when that has ended" in ran.err
    with locks.running(folder / "work"), locks.running(folder / "work"):
        ran = seimai(*ask(folder))
        assert (ran.code, "a run or another removal is at work in it" in ran.err) == (2, True)
    assert seimai(*ask(folder)).code == 0


def test_what_stays_for_a_removed_copy_is_told(folder: Path) -> None:
    (folder / "urls").write_text(f"{MIRROR['url']}\n")
    ran = seimai(*ask(folder))
    assert (ran.code, "0 documents removed" in ran.out) == (0, True)
    assert f"like {next(r['id'] for r in rows(folder) if r['url'] == GONE)} ({GONE})" in ran.err
    assert "the text of 1 documents erased" in ran.out


def test_which_work_folder_is_asked_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
    arguments = ask(folder)[:-2]
    ran = seimai(*arguments)
    assert (ran.code, "give --run RECIPE, or --work" in ran.err) == (2, True)
    ran = seimai(*arguments, "--work", folder / "release")
    assert (ran.code, "no work folder of a run" in ran.err) == (1, True)
    ran = seimai(*arguments, "--work", folder / "work")
    assert (ran.code, "are not looked for: give --run" in ran.err) == (0, True), ran.err


def test_of_pages_and_articles_with_edits_and_quarantine(golden_run: Path, tmp_path: Path) -> None:
    """The real stages: a host with all its pages, kept, rejected or in quarantine."""
    for place in ("work", "release"):
        shutil.copytree(golden_run / place, tmp_path / place)
    release = rows(tmp_path)
    longest = max((row for row in release if row["host"]), key=lambda row: row["characters"])
    (tmp_path / "hosts").write_text(f"{longest['host']}\n")
    others = [row["text"] for row in release if row["host"] != longest["host"]]
    sentences = own_sentences(longest["text"], others)
    assert any("stages/extract" in name for name in holders(tmp_path / "work", sentences))
    at = ["--run", QUICKSTART, "--work", tmp_path / "work"]
    ran = seimai("remove", tmp_path / "release", "--hosts", tmp_path / "hosts", "--ticket", "T", "--everywhere", *at)
    assert ran.code == 0, ran.err
    for place in ("work", "release"):
        assert holders(tmp_path / place, sentences) == []
        assert not any(f"https://{longest['host']}/" in content for _, content in contents(tmp_path / place))
    ran = seimai("run", QUICKSTART, "--runner", "local", "--workers", 1, *places(tmp_path))
    assert ran.code == 0, ran.err
    assert seimai("verify", tmp_path / "release").code == 0
    assert {row["host"] for row in rows(tmp_path)} == {row["host"] for row in release} - {longest["host"]}


def test_no_other_stage_writes_text(golden_run: Path) -> None:
    """A new stage whose output has texts must be erased too: `pipeline.removal.everywhere.TEXTS`."""
    from pipeline.removal.everywhere import TEXTS

    seen = set()
    for file in (golden_run / "work" / "stages").rglob("data/*.parquet"):
        stage = file.parent.parent.parent.name
        seen.add(stage)
        named = {field.name for field in pq.read_schema(file) if strings(field.type)}
        known = CODES | (ADDRESSES if "-summary-" in file.name else set())
        assert stage in TEXTS or named <= known, (stage, named)
    assert {"extract", "edits", "write", "shards", "minhash"} <= seen


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("<b>朝の市場</b>では、海の&#21644;魚を売る声が", True),
        ("\\u671d\\u306e\\u5e02\\u5834\\u3067\\u306f\\u3001\\u6d77\\u306e\\u548c\\u9b5a\\u3092\\u58f2\\u308b", True),
        ("夕方の公園では、子どもたちが遊んでいる。朝の市場", False),
        ("see https://x.example/1", True),
    ],
)
def test_a_quotation_is_found_in_any_rendering(content: str, found: bool) -> None:
    quoted = Quoted()
    quoted.add("朝の市場では、海の和魚を売る声がひびく。", "市場", "https://x.example/1")
    assert quoted.quoted_in(content) is found
