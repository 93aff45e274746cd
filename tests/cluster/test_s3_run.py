"""Work and release in a bucket: the bytes of a run in folders, whatever dies or fails on the way."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest

from pipeline.recipe.recipe import load
from pipeline.session import make_release
from pipeline.store.opening import open_store
from pipeline.store.places import Address
from tests.acquire.test_acquire_run import indexed
from tests.runs import QUICKSTART, finish, seimai, start, tree
from tests.s3_servers import BUCKET, Proxy, at_random, environment, stored
from tests.servers import serving
from tests.whole.test_resume import gone, wait_for

WORK, RELEASE = f"s3://{BUCKET}/a/work", f"s3://{BUCKET}/a/release"
PLACES = ["--work", WORK, "--release", RELEASE]
SECRETS = [environment("")["AWS_ACCESS_KEY_ID"], environment("")["AWS_SECRET_ACCESS_KEY"]]
WRITES = ("PUT", "POST", "DELETE")


@pytest.fixture(autouse=True)
def home_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))


def check(golden_run: Path) -> None:
    assert stored(RELEASE) == tree(golden_run / "release")
    assert stored(WORK, "stages") == tree(golden_run / "work" / "stages")


def test_a_run_in_a_bucket_is_a_run_in_folders_and_a_second_writes_nothing(
    golden_run: Path, between: Proxy, tmp_path: Path
) -> None:
    recipe = load(QUICKSTART, work=WORK, release=RELEASE)
    assert (recipe.work, recipe.release) == (Address(BUCKET, "a/work"), Address(BUCKET, "a/release"))
    _, changed = make_release(recipe, "inline", 1)
    assert changed
    check(golden_run)
    last = [
        path for method, path, _ in between.asked if method == "PUT" and "/a/release/" in path and ".probe" not in path
    ]
    assert last[-1].endswith("/manifest.json")
    events = [e.name for e in open_store(WORK).entries("") if not e.name.startswith("stages/")]
    assert sorted(name.rpartition("/")[2] for name in events) == ["events.jsonl", "progress.json"], events
    for store in (open_store(WORK), open_store(RELEASE)):
        for entry in store.entries(""):
            content = store.read(entry.name) or b""
            assert not any(secret.encode() in content for secret in SECRETS)
            assert entry.name in events or not any(place.encode() in content for place in (between.url, f"{BUCKET}/a"))
    assert b'"event": "end"' in (open_store(WORK).read(events[0]) or b"")

    between.asked.clear()
    _, changed = make_release(recipe, "inline", 1)
    assert not changed
    written = [path for method, path, _ in between.asked if method in WRITES and "/.probe-" not in path]
    # Deletions are sent in one request to the bucket, and only of what the check before a run has put.
    assert [path for path in written if "?delete" not in path] == [
        p for p in written if "/runs/" in p or "/leases/" in p
    ]
    check(golden_run)

    ran = seimai("verify", RELEASE, "--mode", "size")
    assert (ran.code, "of the right size" in ran.out) == (0, True), ran.err
    assert seimai("verify", RELEASE).code == 0
    assert seimai("report", RELEASE, "--hosts", 2).code == 0
    assert seimai("trace", "https://nowhere.example/", "--run", QUICKSTART, *PLACES).code == 1
    for to in ("hf", "megatron", "croissant"):
        ran = seimai("export", RELEASE, tmp_path / to, "--to", to, "--workers", 1)
        assert ran.code == 0, ran.err
        near = seimai("export", golden_run / "release", tmp_path / f"near-{to}", "--to", to, "--workers", 1)
        assert near.code == 0
    assert tree(tmp_path / "hf") == tree(tmp_path / "near-hf")
    assert tree(tmp_path / "megatron")["wiki-train.bin"] == tree(tmp_path / "near-megatron")["wiki-train.bin"]
    ran = seimai("remove", RELEASE, "--ticket", "T", "--ids", tmp_path / "ids")
    assert ran.code == 2
    assert "cannot be edited in place" in ran.err

    open_store(RELEASE).remove(next(name for name in stored(RELEASE) if name.endswith("8.parquet") or "wiki" in name))
    ran = seimai("verify", RELEASE)
    assert (ran.code, "missing; to re-create it: seimai run" in ran.out) == (1, True), ran.out


def test_a_server_that_fails_and_cuts_changes_nothing(golden_run: Path, between: Proxy) -> None:
    between.fault = at_random(7, 0.08)
    make_release(load(QUICKSTART, work=WORK, release=RELEASE), "inline", 1)
    between.fault = lambda method, path: ""
    met = {fault for _, _, fault in between.asked}
    assert met == {"", "500", "503", "drop", "lost", "late", "cut"}
    check(golden_run)


def test_a_killed_driver_and_a_run_on_ray_after_it(golden_run: Path, between: Proxy) -> None:
    process = start("run", QUICKSTART, "--runner", "local", "--workers", 2, *PLACES)
    wait_for(lambda: sum("/commit/" in path for method, path, _ in between.asked if method == "PUT") >= 20)
    family = [child.pid for child in psutil.Process(process.pid).children(recursive=True)]
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    wait_for(lambda: gone(family), 20)
    store = open_store(WORK)
    assert open_store(RELEASE).read("manifest.json") is None
    before = {e.name: e.modified for e in store.entries("stages") if "/commit/" in e.name}
    assert len(before) >= 10
    ran = finish(start("run", QUICKSTART, "--runner", "ray", "--workers", 1, *PLACES, CI="1"))
    assert ran.code == 0, ran.err
    assert {e.name: e.modified for e in store.entries("stages") if e.name in before} == before, "no marker is put twice"
    check(golden_run)


def test_a_selection_of_an_index_lies_in_the_bucket_for_every_worker_and_the_next_driver(
    between: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving() as server:
        file = indexed(tmp_path, server, 'urls = "/[0-9]*1$"\n')
        make_release(load(file), "inline", 1)
        make_release(load(file, work=WORK, release=RELEASE), "inline", 1)
        assert stored(RELEASE) == tree(tmp_path / "release")
        parts = stored(WORK, "selections")
        assert sorted(name.rpartition(".")[2] for name in parts) == ["json", "parquet"]
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another machine"))
        index = tmp_path / "index.parquet"
        stat = index.stat()
        index.write_bytes(b"x" * stat.st_size)  # whoever read it again would find no Parquet file
        os.utime(index, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        _, changed = make_release(load(file, work=WORK, release=RELEASE), "inline", 1)
        assert not changed
        assert stored(WORK, "selections") == parts


def test_a_run_that_cannot_begin_says_why_in_a_line(between: Proxy) -> None:
    said = seimai("run", QUICKSTART, "--runner", "local", "--work", "s3://nowhere/work", "--release", RELEASE)
    assert said.code == 2
    assert "there is no bucket 'nowhere'" in said.err
    assert "Traceback" not in said.err
    assert not any(secret in said.err + said.out for secret in SECRETS)
