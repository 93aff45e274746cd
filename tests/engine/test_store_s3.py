"""The store: what a folder and a bucket have in common, and what S3 and the way to it can do to a bucket."""

from __future__ import annotations

import errno
import os
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.errors import RefusedError, UnreachableError, UsageError
from pipeline.store import objects, s3
from pipeline.store.folder import LocalStore
from pipeline.store.opening import open_store
from pipeline.store.places import Address, parse
from pipeline.store.s3 import S3Store
from pipeline.store.store import Store
from stages.errors import InputError
from stages.parquet import Rows, Writer
from tests.s3_servers import BUCKET, Proxy, at_random, fill, use

CONTENT = random.Random(1).randbytes(1000)


@pytest.fixture(autouse=True)
def scratch_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.fixture
def bucket(between: Proxy) -> S3Store:
    return S3Store(Address(BUCKET, "a/work"))


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return LocalStore(tmp_path / "work") if request.param == "folder" else request.getfixturevalue("bucket")


def put(store: Store, name: str, content: bytes) -> None:
    with store.scratch() as scratch:
        (scratch / "file").write_bytes(content)
        store.put(scratch / "file", name)
        assert not (scratch / "file").exists()


# A folder and a bucket alike


def test_what_is_put_is_there_whole(store: Store) -> None:
    for name, content in {"data/a": CONTENT, "data/b-empty": b"", "data/deep/c=1 ï.x": b"3"}.items():
        put(store, name, content)
        put(store, name, content)
        assert store.read(name) == content
        assert store.size(name) == len(content)
        with store.open(name) as file:
            assert file.read() == content
    assert store.list("data") == ["data/a", "data/b-empty", "data/deep"]
    assert [(e.name, e.bytes) for e in store.entries("")] == [
        ("data/a", 1000),
        ("data/b-empty", 0),
        ("data/deep/c=1 ï.x", 1),
    ]
    assert store.list("") == ["data", "scratch"] if isinstance(store, LocalStore) else ["data"]
    assert [e.name for e in store.entries("data/deep")] == ["data/deep/c=1 ï.x"]
    assert all(abs(e.modified - os.stat("/proc/self").st_mtime) < 3600 for e in store.entries(""))


def test_what_is_not_there_is_none(store: Store) -> None:
    assert (store.read("a"), store.size("a"), store.list("a"), list(store.entries("a"))) == (None, None, [], [])
    store.remove("a")
    with pytest.raises(FileNotFoundError):
        store.open("a")


def test_a_marker_is_created_once_and_what_is_replaced_is_new(store: Store) -> None:
    assert store.create("marker", b"first")
    assert not store.create("marker", b"second")
    assert not store.create("marker", b"first")
    assert store.read("marker") == b"first"
    store.replace("marker", b"third")
    assert store.read("marker") == b"third"
    store.remove("marker")
    assert store.create("marker", b"fourth")


def test_of_eight_that_create_at_once_one_is_first(store: Store) -> None:
    for marker in ("a", "b", "c"):
        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(store.create, [marker] * 8, [b"%d" % n for n in range(8)]))
        assert won.count(True) == 1
        assert store.read(marker) == b"%d" % won.index(True)


def test_a_check_leaves_nothing(store: Store) -> None:
    store.check("work")
    assert list(store.entries("")) == []


def test_a_committed_table_is_read_by_row_group_and_a_damaged_one_is_named(store: Store) -> None:
    schema = pa.schema([("n", pa.int64()), ("text", pa.string())])
    table = pa.table({"n": range(5000), "text": [f"{n}" * 30 for n in range(5000)]})
    with store.scratch() as scratch:
        with Writer(scratch / "t", schema) as writer:
            writer.write(table)
        content = (scratch / "t").read_bytes()
        store.put(scratch / "t", "t.parquet")
    rows = Rows(store.path("t.parquet"), "", 5000)
    assert pa.concat_tables(rows.groups()).equals(table)
    assert rows.between("n", 1990, 2010, ["n"])["n"].to_pylist() == list(range(1990, 2011))
    half = len(content) // 2
    put(store, "bad.parquet", content[:half] + bytes([content[half] ^ 1]) + content[half + 1 :])
    with pytest.raises(InputError, match=r"bad\.parquet: damaged"):
        Rows(store.path("bad.parquet"), "", 5000).read()
    with pytest.raises(InputError, match=r"gone\.parquet: gone since it was committed"):
        Rows(store.path("gone.parquet"), "", 5000).read()


# A folder


def test_a_link_whose_answer_nfs_lost_is_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = os.link

    def twice(source: Path, target: Path) -> None:
        link(source, target)
        raise FileExistsError(errno.EEXIST, "File exists")

    monkeypatch.setattr(os, "link", twice)
    assert LocalStore(tmp_path).create("marker", b"1")
    monkeypatch.setattr(os, "link", link)
    assert not LocalStore(tmp_path).create("marker", b"2")


def test_a_link_that_is_not_possible_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(source: Path, target: Path) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    with pytest.raises(PermissionError):
        LocalStore(tmp_path).create("marker", b"1")


# A bucket, and what can happen on the way


@pytest.mark.parametrize("fault", ["500", "503", "409", "drop", "lost", "late"])
def test_a_marker_is_created_whatever_happens_to_the_first_tries(bucket: S3Store, between: Proxy, fault: str) -> None:
    between.next.extend([fault, fault])
    assert bucket.create("marker", b"ours")
    assert bucket.read("marker") == b"ours"
    assert not bucket.create("marker", b"ours"), "what was plainly there before is not ours, whatever it says"


@pytest.mark.parametrize("fault", ["500", "drop"])
def test_another_who_came_between_two_tries_was_first(
    bucket: S3Store, between: Proxy, endpoint: str, fault: str
) -> None:
    def other(method: str, path: str) -> str:
        between.fault = lambda method, path: ""
        with pytest.MonkeyPatch.context() as patch:
            use(endpoint, patch)
            assert S3Store(bucket.address).create("marker", b"theirs")
        return fault

    between.fault = other
    assert not bucket.create("marker", b"ours")
    assert bucket.read("marker") == b"theirs"


def test_a_conflict_that_comes_to_nothing_is_tried_again_and_not_for_ever(bucket: S3Store, between: Proxy) -> None:
    between.fault = lambda method, path: "409" if method == "PUT" else ""
    with pytest.raises(UnreachableError, match=f"s3://{BUCKET}/a/work/marker: S3"):
        bucket.create("marker", b"ours")
    assert len([1 for method, _, _ in between.asked if method == "PUT"]) == objects.OWN_TRIES


@pytest.mark.parametrize("fault", ["500", "503", "drop", "lost", "late", "cut"])
def test_a_large_file_arrives_whole_through_faults_at_each_step(
    bucket: S3Store, between: Proxy, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "PIECE", 5 << 20)
    content = random.Random(2).randbytes((11 << 20) + 7)
    met: set[str] = set()

    def each_step_once(method: str, path: str) -> str:
        step = (
            path.partition("?")[2].partition("&")[0].partition("=" if "uploadId" in path.partition("&")[0] else "&")[0]
        )
        return "" if step in met else met.add(step) or fault

    between.fault = each_step_once
    put(bucket, "data/large", content)
    between.fault = lambda method, path: ""
    assert met == {"uploads=", "partNumber=1", "partNumber=2", "partNumber=3", "uploadId"}
    assert bucket.read("data/large") == content
    assert [entry.name for entry in bucket.entries("")] == ["data/large"]


def test_a_file_is_read_through_cuts_and_refusals_as_from_disk(
    bucket: S3Store, between: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "BLOCK", 1 << 14)
    content = random.Random(3).randbytes(600_000)
    (tmp_path / "local").write_bytes(content)
    put(bucket, "data/large", content)
    between.fault = at_random(4, 0.4)
    draw = random.Random(5)
    with bucket.open("data/large") as there, (tmp_path / "local").open("rb") as here:
        for _ in range(60):
            offset, whence = draw.choice([(draw.randrange(len(content)), 0), (-draw.randrange(1, 99), 2), (5, 1)])
            assert there.seek(offset, whence) == here.seek(offset, whence)
            length = draw.choice([0, 1, 7_000, 70_000])
            assert there.read(length) == here.read(length)
        there.seek(0)
        assert there.read() == content
    assert sum(bool(fault) for _, _, fault in between.asked) > 20


def test_names_are_listed_over_pages_and_faults(bucket: S3Store, between: Proxy, endpoint: str) -> None:
    names = [f"commit/{n:04}.json" for n in range(1005)]
    fill(endpoint, [(bucket.address / name).prefix for name in names])
    between.next.extend(["", "503", "cut"])
    assert bucket.list("commit") == names
    assert [entry.name for entry in bucket.entries("commit")] == names
    assert bucket.list("") == ["commit"]
    assert sum("continuation-token" in path for _, path, _ in between.asked) == 4  # two of them in vain


def test_what_a_task_has_put_is_at_hand_while_it_lasts(bucket: S3Store, between: Proxy) -> None:
    with bucket.near():
        put(bucket, "data/x", CONTENT)
        near = Path(bucket.path("data/x"))
        assert near.read_bytes() == CONTENT
        assert bucket.path("data/y") == f"s3://{BUCKET}/a/work/data/y"
    assert bucket.path("data/x") == f"s3://{BUCKET}/a/work/data/x"
    assert not near.exists()


def test_silence_and_failure_end_in_one_line_without_the_key(bucket: S3Store, between: Proxy) -> None:
    between.fault = lambda method, path: "503"
    for act in (lambda: bucket.read("a"), lambda: bucket.create("a", b""), lambda: bucket.list("a")):
        with pytest.raises(UnreachableError, match="503 SlowDown") as caught:
            act()
        assert "the-key" not in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(UnreachableError):  # and is no damage of a file that may well be whole
        Rows(bucket.path("a.parquet"), "", 1).read()


# Before a run


def test_a_server_that_ignores_conditions_is_refused(bucket: S3Store, between: Proxy) -> None:
    between.fault = lambda method, path: "blind"
    with pytest.raises(UsageError, match="ignores If-None-Match"):
        bucket.check("work")
    assert list(bucket.entries("")) == []


def test_a_bucket_that_is_not_there_is_named(between: Proxy) -> None:
    with pytest.raises(UsageError, match=r"no bucket 'nowhere' at http://127.*AWS_ENDPOINT_URL and AWS_REGION"):
        S3Store(Address("nowhere", "a")).check("work")


def test_a_refusal_says_what_to_check_and_names_no_key(bucket: S3Store, between: Proxy) -> None:
    between.fault = lambda method, path: "403"
    with pytest.raises(RefusedError, match=r"InvalidAccessKeyId \(s3://bucket/a/work/.*AWS_ACCESS_KEY_ID") as caught:
        bucket.check("work")
    assert "the-key" not in str(caught.value)


def test_missing_credentials_are_told(bucket: S3Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(UsageError, match="no credentials for S3: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        S3Store(Address(BUCKET, "a")).check("work")


def test_what_the_environment_says_wrong_is_told_without_its_value(
    bucket: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for wrong in ("nonsense", "http://key:secret@127.0.0.1:1"):
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", wrong)
        with pytest.raises(UsageError, match="AWS_ENDPOINT_URL_S3: not the address of a server") as caught:
            S3Store(bucket.address)
        assert "secret" not in str(caught.value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    with pytest.raises(UnreachableError, match="does not answer as it should"):
        S3Store(bucket.address).check("work")


def test_keys_of_a_profile_are_taken(bucket: S3Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text("[mine]\naws_access_key_id = k\naws_secret_access_key = s\n[sso]\n")
    monkeypatch.setenv("AWS_PROFILE", "mine")
    S3Store(Address(BUCKET, "a")).check("work")
    monkeypatch.setenv("AWS_PROFILE", "sso")
    with pytest.raises(UsageError, match=r"AWS_PROFILE=sso: no keys stand in that profile.*export-credentials"):
        S3Store(Address(BUCKET, "a"))


def test_an_address_is_a_bucket_and_a_prefix() -> None:
    assert parse("s3://b-1/p/q/") == Address("b-1", "p/q")
    assert str(parse("s3://bucket")) == "s3://bucket"
    assert str(parse("s3://bucket/p") / "x/y") == "s3://bucket/p/x/y"
    assert isinstance(open_store("s3://bucket/p"), S3Store)
    assert isinstance(open_store("/s3"), LocalStore)
    for wrong in ("s3://", "s3://b", "s3:///p", "s3://bucket//p", "s3://bucket/../p"):
        with pytest.raises(UsageError, match="not an address of S3"):
            parse(wrong)
    with pytest.raises(UsageError, match="credentials by the environment") as caught:
        parse("s3://key:secret@bucket/p")
    assert "secret" not in str(caught.value)
