"""`verify` proves the release, and finds any tampering."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.manifest.manifest import read
from pipeline.release.verify_ids import repeated
from pipeline.store.folder import LocalStore
from tests.corpora import documents, own, run, text
from tests.runs import QUICKSTART, places, recipe, seimai, source


@pytest.fixture
def release(golden_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(golden_run / "release", tmp_path / "release"))


def first_shard(release: Path) -> Path:
    return sorted((release / "data").iterdir())[0]


def flip(release: Path) -> None:
    shard = first_shard(release)
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)


def edit_manifest(change: Callable[[dict], None]) -> Callable[[Path], None]:
    def apply(release: Path) -> None:
        file = release / "manifest.json"
        manifest = json.loads(file.read_text())
        change(manifest)
        file.write_text(json.dumps(manifest))

    return apply


def lose_a_record(manifest: dict) -> None:
    manifest["funnel"]["records"] += 1


def drop_a_line(release: Path) -> None:
    file = release / "shards.jsonl"
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[1:]))


DAMAGES = {
    "a flipped bit": (flip, "sha256 is"),
    "a missing shard": (lambda release: first_shard(release).unlink(), "missing"),
    "a stray file": (lambda release: (release / "data" / "x.parquet").touch(), "not part of this release"),
    "a lost record": (edit_manifest(lose_a_record), "not conserved: records = passed by"),
    "a changed name": (edit_manifest(lambda m: m.update(name="other")), "its id is"),
    "another format": (
        edit_manifest(lambda m: m.update(format_version="9")),
        "format version '9', this program reads '2'",
    ),
    "a lost table of hosts": (lambda release: (release / "hosts.parquet").unlink(), "hosts.parquet: missing"),
    "an unknown field": (edit_manifest(lambda m: m.update(more=1)), "not a valid Manifest"),
    "a dropped shard line": (drop_a_line, "shards.jsonl: sha256"),
    "a number that is none": (
        edit_manifest(lambda m: m.update(polishing_ratio=float("nan"))),
        "polishing_ratio: Input",
    ),
    "no format": (edit_manifest(lambda m: m.pop("format_version")), "no format version, this program reads '2'"),
    "brackets without end": (
        lambda release: (release / "manifest.json").write_text("[" * 100_000),
        "not a valid Manifest",
    ),
    "a lost NOTICE": (lambda release: (release / "NOTICE").unlink(), "NOTICE: missing; to re-create it: "),
    "an edited NOTICE": (lambda release: (release / "NOTICE").write_text("ours"), "NOTICE: does not say 'Source wiki"),
    "a broken list of removals": (
        lambda release: (release / "removals.jsonl").write_text("x\n"),
        "release/removals.jsonl:1: not a removal",
    ),
    "a lost list of shards": (lambda release: (release / "shards.jsonl").unlink(), "missing"),
}


def test_a_whole_release_verifies(release: Path) -> None:
    ran = seimai("verify", release)
    assert (ran.code, ran.err) == (0, "")
    assert "whole: 58 documents" in ran.out


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_found(release: Path, damage: str) -> None:
    apply, says = DAMAGES[damage]
    apply(release)
    ran = seimai("verify", release)
    assert ran.code == 1
    assert says in ran.out + ran.err


def test_a_release_goes_by_its_recipe_too(golden_run: Path, tmp_path: Path) -> None:
    shutil.copytree(golden_run / "release", tmp_path / "release")
    ran = seimai("verify", recipe(tmp_path, source("s", "warc", "x.warc.gz")), "--mode", "size")
    assert (ran.code, ran.out.startswith(f"{tmp_path / 'release'}: all files there")) == (0, True)


@pytest.mark.parametrize("verb", ["verify", "report"])
def test_a_file_that_is_no_release_is_wrong_use(release: Path, verb: str) -> None:
    ran = seimai(verb, release / "NOTICE")
    assert ran.code == 2
    assert "NOTICE: not a release; give the release folder" in ran.err


def test_size_mode_looks_at_sizes_alone(release: Path) -> None:
    flip(release)
    ran = seimai("verify", release, "--mode", "size")
    assert (ran.code, "all files there, of the right size" in ran.out) == (0, True)
    shard = first_shard(release)
    shard.write_bytes(shard.read_bytes()[:-1])
    ran = seimai("verify", release, "--mode", "size")
    assert (ran.code, f"bytes, the manifest says {shard.stat().st_size + 1}" in ran.out) == (1, True)


def test_each_damage_is_one_line_that_names_the_shard_and_the_command(release: Path) -> None:
    first, second = sorted((release / "data").iterdir())
    flip(release)
    second.unlink()
    lines = seimai("verify", release, "--workers", 2).out.splitlines()
    assert len(lines) == 2
    assert all("to re-create it: " in line and line.endswith("RECIPE, the recipe that made it") for line in lines)
    assert {line.split(":")[0] for line in lines} == {f"data/{first.name}", f"data/{second.name}"}


def test_the_command_is_one_for_a_shell_and_of_the_run_that_made_this_release(golden_run: Path, tmp_path: Path) -> None:
    copies = [Path(shutil.copytree(golden_run, tmp_path / name)) for name in ("a b", "later")]
    for folder in copies:
        assert seimai("run", QUICKSTART, "--runner", "local", *places(folder)).code == 0
    release = copies[0] / "release"
    flip(release)
    (line,) = seimai("verify", release).out.splitlines()
    rm, again = line.partition("to re-create it: ")[2].split(" && ")
    assert shlex.split(rm) == ["rm", str(first_shard(release))]
    assert shlex.split(again) == ["seimai", "run", str(QUICKSTART), *map(str, places(copies[0]))]
    first_shard(release).unlink()
    assert seimai(*shlex.split(again)[1:], "--runner", "local").code == 0
    assert seimai("verify", release).code == 0


def test_a_notice_of_several_lines_is_whole(tmp_path: Path) -> None:
    taken = own(documents(tmp_path, "d", [{"id": "1", "url": "", "text": text(1)}]))
    run(tmp_path, taken + 'attribution = "of A,\\nand of B"\n')  # verifies it
    notice = tmp_path / "release" / "NOTICE"
    notice.write_text(notice.read_text().replace("and of B", "and of C"))
    assert "NOTICE: does not say 'and of B'" in seimai("verify", tmp_path / "release").out


def test_a_document_that_is_there_twice_is_found_in_any_number_of_passes(release: Path) -> None:
    _, entries = read(release)
    assert list(repeated(LocalStore(release), entries)) == []
    for pass_rows in (1 << 26, 7):
        found = list(repeated(LocalStore(release), [*entries, entries[0]], pass_rows))
        assert len(found) == entries[0].rows
        assert all(line.endswith("is in the release twice") for line in found)


def test_no_release(tmp_path: Path) -> None:
    ran = seimai("verify", tmp_path)
    assert ran.code == 2
    assert "no manifest here" in ran.err


def test_a_bad_shard_is_made_again_as_the_message_says(golden_run: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(golden_run, tmp_path / "copy"))
    flip(folder / "release")
    told = seimai("verify", folder / "release").out
    shard = first_shard(folder / "release")
    assert f"to re-create it: rm {shard} && seimai run RECIPE" in told
    first_shard(folder / "release").unlink()
    assert seimai("run", QUICKSTART, "--runner", "local", *places(folder)).code == 0
    assert seimai("verify", folder / "release").code == 0


def test_the_shards_are_what_trainers_read(release: Path) -> None:
    import pyarrow.parquet as pq

    table = pq.read_table(release / "data")
    assert table["text"].null_count == 0
    assert min(table["n_tok_qwen"].to_pylist()) > 0
    assert len(set(table["id"].to_pylist())) == table.num_rows
