"""What an index knows of a crawl: the same as the slow way says, whatever else is compared and however it is cut."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stages.indexes.index
import stages.indexes.known
from stages.base import MAIN, InputError, Inputs, Part
from stages.indexes.index import Index
from stages.signatures.dedupkey import dedup_key
from tests.dedup_corpus import Document, alike, dedup, prose, run, world
from tests.indexed import ask, crawl, index, naive, sign, source_file


def halves(seed: int) -> tuple[list[Document], list[Document]]:
    """Two crawls with pages in common: of clusters of edited copies every other document, and half of their exact copies."""
    documents = world(seed)
    return documents[0::2] + documents[1:20:4], [Document(f"new-{d.name}", d.text, d.keep) for d in documents[1::2]]


@settings(max_examples=4, deadline=None)
@given(st.integers(1, 10_000))
def test_known_is_who_shares_a_key_and_is_clearly_alike(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    folder = tmp_path_factory.mktemp("naive")
    old, new = halves(seed)
    answer = ask(folder, [crawl(folder, "p", new)], [index(folder, "old", old)])
    old = [document for document in old if document.text]
    signed = [sign(document.text) for document in old]
    expected = {}
    for document in new:
        own = sign(document.text)
        scores = [naive(own, each) for each in signed]
        if document.keep and max(scores) >= 0:
            expected[document.name] = (min(max(scores), 1.0), max(scores) == 2)
            best = {old[i].name for i, score in enumerate(scores) if score == max(scores)}
            assert answer.rows[document.name]["reference"] in best
    assert answer.known == sorted(expected)
    for name, (similarity, exact) in expected.items():
        row = answer.rows[name]
        assert (row["similarity"], row["exact"], row["index"]) == (pytest.approx(similarity, abs=1e-6), exact, "old")
    kinds = [exact for _, exact in expected.values()]
    assert (answer.counters["known.exact"], answer.counters["known.near"]) == (kinds.count(True), kinds.count(False))
    assert answer.counters["by.old"] == len(kinds)


def test_exact_and_near_copies_of_an_earlier_crawl_do_not_survive(tmp_path: Path) -> None:
    old = [Document(f"old{n}", prose(800, n)) for n in range(40)]
    copies = [Document(f"copy{n}", f"「{d.text}」") for n, d in enumerate(old[:20])]  # punctuation is not in the key
    near = [Document(f"near{n}", d.text + prose(20, 500 + n)) for n, d in enumerate(old[20:])]
    new = [Document(f"own{n}", prose(800, 900 + n)) for n in range(20)] + [Document("short", "短い")]
    answer = ask(tmp_path, [crawl(tmp_path, "p", copies + near + new)], [index(tmp_path, "old", old)])
    assert answer.known == sorted(d.name for d in copies + near)
    done = dedup(tmp_path / "done", answer.parts)
    assert done.kept == sorted(d.name for d in new)
    assert done.counters["dropped.known"] == 40 == len(copies + near)
    assert done.counters["participants"] == 21
    row = done.rows["copy0"]
    assert (row["level"], row["similarity"], row["cluster_size"], row["component"]) == ("known", 1.0, 0, None)
    written = pq.read_table(pa.BufferReader(done.bytes["p"]))["keeper"].to_pylist()
    assert written == [answer.rows[d.name]["known"] for d in copies + near + new]
    assert answer.rows["near0"]["reference"] == "old20" and 0.9 < answer.rows["near0"]["similarity"] < 1


def test_what_is_known_keeps_nobody_out(tmp_path: Path) -> None:
    """A is known; B, like A and not clearly like the old one, stays: who is known never speaks for another."""
    base = prose(900, 1)
    old = [Document("old", base)]
    texts = [Document("a", base + prose(60, 2)), Document("b", base[150:] + prose(160, 3))]
    answer = ask(tmp_path, [crawl(tmp_path, "p", texts)], [index(tmp_path, "old", old)])
    assert answer.known == ["a"]
    assert dedup(tmp_path / "done", answer.parts).kept == ["b"]


def test_without_an_index_everything_is_as_if_none_had_been_there(tmp_path: Path) -> None:
    _, new = halves(3)
    part = crawl(tmp_path, "p", new)
    nobody = ask(tmp_path / "none", [part], [])
    empty = ask(tmp_path / "empty", [part], [index(tmp_path, "empty", [])])
    assert nobody.known == empty.known == []
    assert dedup(tmp_path / "with", empty.parts).bytes == dedup(tmp_path / "without", [part]).bytes


@settings(max_examples=3, deadline=None)
@given(st.integers(1, 10_000))
def test_two_indexes_know_what_either_knows_in_any_order(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    folder = tmp_path_factory.mktemp("union")
    old, new = halves(seed)
    part = crawl(folder, "p", new)
    one, other = index(folder, "one", old[0::2]), index(folder, "other", old[1::2], id="1")
    alone = [ask(folder / name, [part], [each]) for name, each in (("1", one), ("2", other))]
    both, turned = ask(folder / "12", [part], [one, other]), ask(folder / "21", [part], [other, one])
    whole = ask(folder / "all", [part], [index(folder, "whole", old)])
    assert both.bytes == turned.bytes
    assert both.known == sorted({*alone[0].known, *alone[1].known}) == whole.known
    for name in both.known:  # each is explained by the one that has the nearest
        nearest = max(
            (a.rows[name] for a in alone if name in a.known), key=lambda row: (row["exact"], row["similarity"])
        )
        assert both.rows[name]["similarity"] == nearest["similarity"]
        assert both.rows[name]["known"] == whole.rows[name]["known"]
    assert sum(both.counters[f"by.{name}"] for name in ("one", "other")) == len(both.known)


def test_the_answer_does_not_depend_on_how_both_sides_are_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = halves(7)
    whole = ask(tmp_path / "whole", [crawl(tmp_path, "p", new)], [index(tmp_path, "old", old)])
    assert whole.counters["known.exact"] > 3 < whole.counters["known.near"]
    monkeypatch.setattr(stages.indexes.index, "RUN", 10)
    monkeypatch.setattr(stages.indexes.index, "BATCH", 4)
    monkeypatch.setattr(stages.indexes.known, "PENDING", 11)
    monkeypatch.setattr(stages.indexes.known, "PAIRS", 3)
    monkeypatch.setattr(Index, "group_rows", 13)
    parts = [crawl(tmp_path / "cut", f"{9 - n}", new[n::3]) for n in range(3)]
    files = [index(tmp_path / "cut", "old", old[n::2], id=f"{n}") for n in range(2)]
    cut = ask(tmp_path / "cut" / "all", [parts[1], parts[0], parts[2]], files[::-1])
    assert cut.rows == whole.rows
    alone = [ask(tmp_path / "cut" / f"alone{part.id}", [part], files) for part in parts]
    assert {name: row for each in alone for name, row in each.rows.items()} == whole.rows


def test_a_key_of_many_documents_leads_to_the_first_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = prose(300, 1)
    monkeypatch.setattr(stages.indexes.index, "HOT", 3)
    part = index(tmp_path, "old", [Document(f"d{n}", text) for n in range(10)])
    assert part.rows["index"].rows == 10
    assert sorted(set(part.rows["index-keys"].read()["row"].to_pylist())) == [0, 1, 2]
    assert ask(tmp_path, [crawl(tmp_path, "p", [Document("new", text)])], [part]).known == ["new"]


def test_pairs_that_are_not_clearly_alike_stay(tmp_path: Path) -> None:
    made = [alike(0.78, 900, n) for n in range(30)]
    parts = [crawl(tmp_path, "p", [Document(f"{n}", b) for n, (_, b) in enumerate(made)])]
    old = index(tmp_path, "old", [Document(f"{n}", a) for n, (a, _) in enumerate(made)])
    assert ask(tmp_path / "3", parts, [old]).known == []
    assert len(ask(tmp_path / "0", parts, [old], errors=0.0, similarity=0.7).known) > 15


def test_sources_that_stay_by_themselves_are_not_compared(tmp_path: Path) -> None:
    text = prose(400, 1)
    old = index(tmp_path, "old", [Document("old", text)])
    own = crawl(tmp_path, "p", [Document("new", text)], within="english")
    assert ask(tmp_path, [own], [old]).known == []


def _index(folder: Path, path: Path, **columns: str) -> tuple[Part, dict[str, int]]:
    written, counters = run(Index(**columns), Inputs(file=source_file(path)), folder)
    return Part("0", "x", -1, {"index": written[MAIN], "index-keys": written["keys"]}), counters


def test_parquet_and_jsonl_give_the_same_index(tmp_path: Path) -> None:
    rows = [{"text": prose(200, n), "id": f"{n:032x}" if n % 2 else f"https://e.jp/{n}"} for n in range(9)]
    rows += [{"text": "", "id": "empty"}, {"text": None, "id": "none"}]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    made = [_index(tmp_path / kind, tmp_path / f"a.{kind}", id_column="id") for kind in ("jsonl", "parquet")]
    assert made[0][0].rows["index"].read().equals(made[1][0].rows["index"].read())
    assert made[0][0].rows["index-keys"].read().equals(made[1][0].rows["index-keys"].read())
    table = made[0][0].rows["index"].read()
    assert made[0][1] == made[1][1] == {"indexed": 9, "without a text": 2}
    assert (table["reference"][0].as_py(), table["reference"][1].as_py()) == ("https://e.jp/0", "")
    assert table["id"][1].as_py().hex() == f"{1:032x}"


def test_an_index_says_of_no_text_what_it_was(tmp_path: Path) -> None:
    """Nothing in it is longer than its signature; the text itself is nowhere in its bytes."""
    text = "電話番号は〇一二三です。" * 40
    part = index(tmp_path, "old", [Document("old", text)])
    content = b"".join(Path(rows.path).read_bytes() for rows in part.rows.values())
    assert text[:6].encode() not in content and dedup_key(text)[:6].tobytes() not in content


def test_a_file_without_the_column_names_those_it_has(tmp_path: Path) -> None:
    pq.write_table(pa.table({"body": ["本文"], "url": ["u"]}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"a.parquet: no column 'text' .* there are: body, url"):
        _index(tmp_path / "x", tmp_path / "a.parquet")


def test_of_equal_matches_the_lowest_id_is_named_and_of_one_id_the_first_index(tmp_path: Path) -> None:
    text = prose(300, 1)
    part = crawl(tmp_path, "p", [Document("new", text)])
    low, high = (f"{n:032x}" for n in (1, 2))
    one, other, third = (
        index(tmp_path, name, [Document(id, text)], id=name) for name, id in (("a", high), ("b", low), ("c", low))
    )
    for number, order in enumerate(([one, other, third], [third, other, one], [other, third, one])):
        row = ask(tmp_path / f"{number}", [part], order).rows["new"]
        assert (row["known"].hex(), row["index"], row["reference"]) == (low, "b", "")


@pytest.mark.parametrize("masked", [True, False])
def test_digits_are_masked_in_an_index_where_they_are_in_the_crawl(tmp_path: Path, masked: bool) -> None:
    first, later = ("".join(f"第{n + add}回は{prose(3, n)}" for n in range(200)) for add in (1000, 5000))
    old = index(tmp_path, "old", [Document("old", first)], mask_digits=masked)
    new = crawl(tmp_path, "p", [Document("new", later)], mask_digits=masked)
    assert ask(tmp_path, [new], [old]).known == (["new"] if masked else [])
