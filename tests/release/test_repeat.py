"""`[repeat]`: how often a document is to be seen, by cluster size: the mapping, a whole run with it, and none without."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.manifest.counts import ShardEntry
from pipeline.manifest.manifest import read
from pipeline.release.release import listed
from stages.measure.vocabulary import Named
from stages.release.repeat import MOST, column, times
from stages.release.shards import Shards
from stages.release.write import Write, release_schema
from tests.corpora import documents, manifest, own, rows, run, text
from tests.release.test_export import indexed
from tests.runs import committed, recipe, seimai, tree

COPIES = {1: 30, 2: 8, 9: 1, 10: 2, 25: 1, 30: 2, 41: 1}  # copies of a text -> how many texts have so many
TIMES = {1: 1, 2: 2, 9: 2, 10: 3, 25: 3, 30: 0, 41: 0}
TABLE = "[repeat]\n2 = 2\n10 = 3\n30 = 0\n"
ALARMS = "[alarms]\nstop = []\n"

STEPS = st.dictionaries(st.integers(2, 60), st.integers(0, MOST), max_size=5).map(lambda d: tuple(sorted(d.items())))


def made() -> Iterator[dict[str, Any]]:
    number = 0
    for copies, texts in COPIES.items():
        for _ in range(texts):
            number += 1
            for copy in range(copies):
                yield {
                    "id": f"{number}-{copy}",
                    "url": f"https://h{copies}.example/{number}/{copy}",
                    "text": text(number),
                }


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repeat")
    files = [documents(folder, f"d{n}", list(made())[n::2]) for n in range(2)]
    run(folder, own(*files) + "[splits]\nvalidation = 0.3\n" + ALARMS + TABLE)
    return folder


@pytest.fixture
def folder(ran: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(ran, tmp_path / "copy"))


def seen(found: list[dict[str, Any]]) -> dict[str, Any]:
    """The weighted sums of rows, one by one."""
    return {
        "documents": sum(row["repeat"] for row in found),
        "characters": sum(row["repeat"] * len(row["text"]) for row in found),
        "tokens": {"qwen": sum(row["repeat"] * row["n_tok_qwen"] for row in found)},
    }


@given(STEPS, st.lists(st.integers(1, 70), max_size=30))
def test_the_last_step_that_a_size_reaches_says_how_often(steps: tuple[tuple[int, int], ...], sizes: list[int]) -> None:
    said = [max(((size, n) for size, n in steps if size <= own), default=(0, 1))[1] for own in sizes]
    assert times(np.array(sizes, np.int64), steps).tolist() == said
    splits = ["train" if size % 2 else "test" for size in sizes]
    expected = [n if split == "train" else 1 for n, split in zip(said, splits, strict=True)]
    assert column(pa.chunked_array([sizes], pa.int32()), splits, steps).to_pylist() == expected


def test_rows_say_how_often_and_0_is_left_out(ran: Path) -> None:
    found = rows(ran)
    left = {size: n for size, n in COPIES.items() if TIMES[size]}
    assert Counter(row["cluster_size"] for row in found) == left
    for row in found:
        assert row["repeat"] == (TIMES[row["cluster_size"]] if row["split"] == "train" else 1)
    assert {row["split"] for row in found if row["cluster_size"] > 1} == {"train", "validation"}
    assert {row["repeat"] for row in found} == {1, 2, 3}
    assert pq.read_schema(next((ran / "release" / "data").iterdir())).field("repeat").type == pa.int32()


def test_manifest_report_and_trace_say_so(ran: Path) -> None:
    told, found = manifest(ran), rows(ran)
    gone = sum(n for size, n in COPIES.items() if not TIMES[size])
    assert told["funnel"]["removed"] == {"cap.cluster": gone}
    assert told["repeat"] == {"2": 2, "10": 3, "30": 0}
    assert told["columns"]["repeat"] == "int32"
    assert told["shards"]["weighted"] == seen(found) == told["sources"][0]["written"]["weighted"]
    assert told["shards"]["documents"] == len(found) < seen(found)["documents"]
    for split in told["splits"]:
        assert split["written"]["weighted"] == seen([row for row in found if row["split"] == split["name"]])
    table = {row["host"]: row for row in pq.read_table(ran / "release" / "hosts.parquet").to_pylist()}
    assert (table["h30.example"]["kept"], table["h30.example"]["left_out"]) == (0, COPIES[30])
    shown = " ".join(seimai("report", ran / "release").out.split())
    assert f"cap.cluster {gone} too many copies of it were found" in shown
    assert f"with repeats {seen(found)['documents']} documents" in shown
    file = ran / "recipe.toml"
    one = next(row["url"] for row in found if row["cluster_size"] == 10 and row["split"] == "train")
    assert "stands for 10 document(s), to be seen 3 time(s)" in seimai("trace", one, "--run", file).out
    keepers = (seimai("trace", row["url"], "--run", file).out for row in made() if "h41." in row["url"])
    assert sum("not in the release: cap.cluster (too many copies" in out for out in keepers) == 1
    plan = seimai("plan", file).out
    assert all(" 0 " in line for line in plan.splitlines() if line.startswith(("│ cluster-cap", "│ write")))


def test_the_table_comes_and_goes_and_leaves_the_rest_as_it_was(tmp_path: Path) -> None:
    plain = own(documents(tmp_path, "d", list(made()))) + ALARMS
    without = run(tmp_path, plain)
    before = tree(tmp_path / "release")
    assert "repeat" not in (tmp_path / "release" / "manifest.json").read_text()
    assert "weighted" not in (tmp_path / "release" / "shards.jsonl").read_text()
    markers = {key: committed(tmp_path / "work", key) for key in ("minhash", "dedup", "deny")}
    run(tmp_path, plain + "[repeat]\n2 = 2\n")
    assert "cap.cluster" not in manifest(tmp_path)["funnel"]["removed"]
    assert not (tmp_path / "work" / "stages" / "cluster-cap").exists(), "nothing to leave out"
    assert {key: committed(tmp_path / "work", key) for key in markers} == markers
    assert run(tmp_path, plain)["id"] == without["id"]
    assert tree(tmp_path / "release") == before


def test_without_the_table_schema_and_fingerprints_are_those_of_before() -> None:
    assert "repeat" not in release_schema([Named()]).names
    assert Write().params().keys() == {"source", "license", "tokenizers", "splits", "after", "values", "pii"}
    assert Shards().params()["columns"] == release_schema([Named()]).names
    assert Write(steps=((2, 2),)).params() != Write(steps=((2, 3),)).params() != Write().params()
    assert Shards(repeat=True).params() != Shards().params()


def test_a_removal_keeps_the_weighted_sums(folder: Path) -> None:
    before = rows(folder)
    asked = [row["id"] for row in before if row["cluster_size"] in (2, 10)][:5]
    (folder / "ids").write_text("\n".join(asked) + "\n")
    assert seimai("remove", folder / "release", "--ids", folder / "ids", "--ticket", "T").code == 0
    verified = seimai("verify", folder / "release")
    assert verified.code == 0, verified.out
    left = [row for row in before if row["id"] not in asked]
    assert rows(folder) == left
    assert manifest(folder)["shards"]["weighted"] == seen(left)


def resealed(release: Path, change: Any) -> None:
    """The release with other sums or another rule, sealed as if they were its own."""
    told, entries = read(release)
    told, entries = change(told, entries)
    from hashlib import sha256

    from pipeline.manifest.counts import Counts
    from pipeline.manifest.manifest import dump

    (release / "shards.jsonl").write_bytes(listed(entries))
    update = {"shards_sha256": sha256(listed(entries)).hexdigest(), "shards": Counts.of(entries, ["qwen"])}
    (release / "manifest.json").write_bytes(dump(told.model_copy(update=update).sealed()))


def more(entry: ShardEntry) -> ShardEntry:
    assert entry.weighted is not None
    return entry.model_copy(
        update={"weighted": entry.weighted.model_copy(update={"documents": entry.weighted.documents + 1})}
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda told, entries: (told, [more(entries[0]), *entries[1:]]), "weighted"),
        (lambda told, entries: (told, [e.model_copy(update={"weighted": None}) for e in entries]), "says nothing"),
        (lambda told, entries: (told.model_copy(update={"repeat": {"2": 2, "10": 4}}), entries), "is not what"),
        (lambda told, entries: (told.model_copy(update={"repeat": {"2": 2, "10": 3, "25": 0}}), entries), "leaves out"),
    ],
)
def test_verify_recounts_from_the_column(folder: Path, change: Any, says: str) -> None:
    resealed(folder / "release", lambda told, entries: (told, entries))
    assert seimai("verify", folder / "release").code == 0, "sealing alone breaks nothing"
    resealed(folder / "release", change)
    ran = seimai("verify", folder / "release")
    assert (ran.code, says in ran.out) == (1, True), ran.out


def test_megatron_has_each_document_as_often_in_a_row(ran: Path, tmp_path: Path) -> None:
    tokenizer, told = Named().load(), manifest(ran)
    for workers, eod in ((1, []), (2, ["--eod", 151643])):
        out = tmp_path / str(workers)
        exported = seimai("export", ran / "release", out, "--to", "megatron", "--workers", workers, *eod)
        assert exported.code == 0, exported.err
        for split in ("train", "validation"):
            own_rows = [row for row in rows(ran) if row["split"] == split]
            ids = tokenizer.ids([row["text"] for row in own_rows])
            found, _ = indexed(out / f"own-{split}")
            assert found == [
                [*each, *eod[1:]] for each, row in zip(ids, own_rows, strict=True) for _ in range(row["repeat"])
            ]
        noted = json.loads((out / "export.json").read_text())["megatron"]["prefixes"]
        weighted = told["shards"]["weighted"]
        assert sum(each["documents"] for each in noted.values()) == weighted["documents"]
        more = weighted["documents"] if eod else 0
        assert sum(each["tokens"] for each in noted.values()) == weighted["tokens"]["qwen"] + more
        assert (out / "blend.txt").read_text().split()[0] == str(noted["own-train"]["tokens"])


def test_card_and_croissant_describe_the_column(ran: Path, tmp_path: Path) -> None:
    for to in ("hf", "croissant"):
        assert seimai("export", ran / "release", tmp_path / to, "--to", to).code == 0
    card = (tmp_path / "hf" / "README.md").read_text()
    assert "by `cluster_size` (else 1; 2 from 2 on, 3 from 10 on, 0 from 30 on; what is held out: 1)" in card
    assert f"with repeats: {manifest(ran)['shards']['weighted']['documents']} documents" in card
    fields = json.loads((tmp_path / "croissant" / "croissant.json").read_text())["recordSet"][0]["field"]
    assert [field["name"] for field in fields if "description" in field] == ["repeat"]


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("[repeat]\n", "[repeat]: says nothing"),
        ("[repeat]\n1 = 2\n", "'1' is no cluster size; a whole number from 2 on"),
        ("[repeat]\n02 = 2\n", "'02' is no cluster size"),
        ("[repeat]\n-2 = 2\n", "'-2' is no cluster size"),
        ("[repeat]\nmany = 2\n", "'many' is no cluster size"),
        ("[repeat]\n9999999999 = 2\n", "'9999999999' is no cluster size"),
        ("[repeat]\n10 = 3\n2 = 2\n", "2 stands behind 10; write cluster sizes in ascending order"),
        ("[repeat]\n2 = -1\n", "2 = -1: how often, a whole number from 0 (left out) to 100"),
        ("[repeat]\n2 = 101\n", "2 = 101: how often"),
        ("[repeat]\n2 = 1.5\n", "2 = 1.5: how often"),
        ("[repeat]\n2 = true\n", "2 = True: how often"),
        ('[repeat]\n2 = "3"\n', "2 = '3': how often"),
        ("[repeat]\n2.5 = 3\n", "2 = {'5': 3}: how often"),
        ("[stages.shards]\nrepeat = true\n", "[stages.shards] repeat: said in"),
    ],
)
def test_a_wrong_table_is_one_line(tmp_path: Path, table: str, says: str) -> None:
    path = documents(tmp_path, "d", [{"id": "1", "url": "", "text": text(1)}])
    ran = seimai("plan", recipe(tmp_path, own(path) + table))
    assert (ran.code, says in ran.err, len(ran.err.splitlines())) == (2, True, 1), ran.err


def test_a_list_is_no_table(tmp_path: Path) -> None:
    path = documents(tmp_path, "d", [{"id": "1", "url": "", "text": text(1)}])
    ran = seimai("plan", recipe(tmp_path, "repeat = 3\n" + own(path)))
    assert (ran.code, "repeat must be a table" in ran.err) == (2, True), ran.err
