from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stages.dedup.blocks
import stages.dedup.components
import stages.dedup.settled
import stages.dedup.spill
import stages.dedup.verify
from stages.base import InputError, Inputs, Part
from stages.dedup.dedup import Dedup
from stages.dedup.participants import instants
from tests.dedup_corpus import Document, alike, banded, dedup, partition, prose, similarity, world


def test_made_pairs_have_the_similarity_they_are_made_for() -> None:
    for j in (0.5, 0.8, 0.95):
        assert similarity(*alike(j, 600, 1)) == pytest.approx(j, abs=0.003)


def test_of_an_alike_pair_the_longer_stays_and_says_for_how_many(tmp_path: Path) -> None:
    short, long = alike(0.95, 600, 1)
    part = partition(
        tmp_path, "p", [Document("short", short), Document("long", long + "尾"), Document("other", prose(300, 9))]
    )
    done = dedup(tmp_path, [part])
    assert done.kept == ["long", "other"]
    row = done.rows["short"]
    assert (row["level"], row["keeper"], row["cluster_size"]) == ("near", "long", 0)
    assert row["similarity"] == pytest.approx(similarity(short, long + "尾"), abs=0.08)
    assert [done.rows[name]["cluster_size"] for name in ("long", "other")] == [2, 1]
    assert done.rows["short"]["component"] == done.rows["long"]["component"] != done.rows["other"]["component"]


def test_unclear_similarity_is_measured_on_the_texts(tmp_path: Path) -> None:
    texts = alike(0.83, 900, 3)
    done = dedup(tmp_path, [partition(tmp_path, "p", [Document("a", texts[0]), Document("b", texts[1])])])
    (dropped,) = (row for row in done.rows.values() if row["level"])
    assert dropped["similarity"] == pytest.approx(similarity(*texts), abs=1e-6)
    assert done.counters["verified.text"] == done.counters["compared.text"] == 1


def test_texts_are_compared_as_edited(tmp_path: Path) -> None:
    one, other = alike(0.83, 900, 3)
    tail = prose(900, 5)
    documents = [Document("a", one + tail, edits=((900, 1800, ""),)), Document("b", other)]
    done = dedup(tmp_path, [partition(tmp_path, "p", documents)])
    assert len(done.kept) == 1


def test_suspicion_alone_drops_nobody(tmp_path: Path) -> None:
    documents = [
        Document(f"{seed}{side}", text)
        for seed in range(60)
        for side, text in zip("ab", alike(0.74, 500, seed), strict=True)
    ]
    done = dedup(tmp_path, [partition(tmp_path, "p", documents)])
    assert done.counters["components"] > 30, "most pairs at .74 share a band"
    assert len(done.kept) == 120


@pytest.mark.parametrize(("order", "kept"), [("ABC", "AC"), ("CBA", "AC"), ("ACB", "AC"), ("BAC", "B"), ("BCA", "B")])
def test_in_a_chain_nobody_goes_for_who_is_unlike_and_no_true_pair_stays(tmp_path: Path, order: str, kept: str) -> None:
    """A ~ B ~ C with A unlike C, in five keeper orders. C must not go for A, and B not stay beside A or C."""
    whole = prose(1000, 1)
    texts = {name: whole[start : start + 800] for name, start in zip("ABC", (0, 70, 140), strict=True)}
    assert [similarity(texts[x], texts[y]) >= 0.8 for x, y in ("AB", "BC", "AC")] == [True, True, False]
    documents = [Document(name, text, date=f"{2020 - order.index(name)}") for name, text in texts.items()]
    done = dedup(tmp_path, [partition(tmp_path, "p", documents)], order=("newest",))
    assert "".join(done.kept) == kept
    assert {row["component"] for row in done.rows.values()} == {done.rows["A"]["component"]}


def test_exact_copies_go_whatever_their_layout_and_length(tmp_path: Path) -> None:
    documents = [
        Document("a", "短い。"),
        Document("b", "短 い"),
        Document("c", "短いﾊﾞｽ"),
        Document("long", prose(300, 1)),
        Document("copy", "\n".join(prose(300, 1))),
    ]
    done = dedup(tmp_path, [partition(tmp_path, "p", documents)])
    assert done.kept == ["a", "c", "copy"]
    assert {(done.rows[n]["level"], done.rows[n]["similarity"]) for n in ("b", "long")} == {("exact", 1.0)}
    assert (done.counters["dropped.exact"], done.counters["dropped.near"]) == (2, 0)


def test_a_copy_goes_where_its_original_goes(tmp_path: Path) -> None:
    short, long = alike(0.95, 600, 1)
    documents = [Document("long", long + "尾"), Document("one", short), Document("two", short)]
    done = dedup(tmp_path, [partition(tmp_path, "p", documents)])
    assert [done.rows[name]["keeper"] for name in ("one", "two")] == ["long", "long"]
    assert done.rows["one"]["similarity"] == done.rows["two"]["similarity"] < 1
    assert (done.rows["long"]["cluster_size"], done.counters["dropped.near"]) == (3, 2)


def test_a_rejected_document_keeps_nobody_out(tmp_path: Path) -> None:
    text = prose(400, 1)
    done = dedup(tmp_path, [partition(tmp_path, "p", [Document("spam", text * 2, keep=False), Document("good", text)])])
    assert done.kept == ["good"]
    spam = {"keep": False, "level": "", "keeper": None, "similarity": None, "cluster_size": 0, "component": None}
    assert done.rows["spam"] == spam


def test_order_is_rank_then_length_then_date_then_id(tmp_path: Path) -> None:
    text, new = prose(400, 1), "2025-01-01T00:00:00Z"
    parts = [
        partition(tmp_path, "p", [Document("web", text + "。。。", date=new)], source="web", rank=1),
        partition(tmp_path, "q", [Document("wiki", text), Document("newer", text, date=new)], source="wiki"),
        partition(tmp_path, "r", [Document("longer", text + "。")], source="wiki"),
    ]
    assert dedup(tmp_path, parts).kept == ["longer"]
    assert dedup(tmp_path, parts[:2]).kept == ["newer"]
    assert dedup(tmp_path, parts, order=("newest", "longest")).kept == ["web"]
    assert dedup(tmp_path, parts[1:2], order=()).kept == [min("wiki", "newer", key=lambda name: Document(name, "").id)]


def test_unknown_order_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"knows rank, longest, .* not quality"):
        Dedup(order=("quality",))


def test_the_same_record_in_two_partitions_is_kept_once(tmp_path: Path) -> None:
    documents = [Document(f"d{n}", prose(200, n)) for n in range(4)] + [Document("short", "短")]
    parts = [partition(tmp_path, id, documents) for id in ("q", "p")]
    done = dedup(tmp_path, parts)
    assert [row["keep"] for row in done.tables["p"]] == [True] * 5
    assert [(row["level"], row["keeper"]) for row in done.tables["q"]] == [("exact", d.name) for d in documents]
    assert {row["cluster_size"] for row in done.tables["p"]} == {2}


def test_a_repeated_record_id_loses_no_other_text(tmp_path: Path) -> None:
    parts = [
        partition(tmp_path, f"p{n}", [Document("same", text)])
        for n, text in enumerate((prose(300, 1), prose(300, 2), "短"))
    ]
    counters = dedup(tmp_path, parts).counters
    assert (counters["largest_component"], counters["dropped.exact"], counters["dropped.near"]) == (3, 0, 0)


def test_result_does_not_depend_on_parts_groups_ranges_or_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = world()
    whole = dedup(tmp_path / "whole", [partition(tmp_path / "whole", "p", documents)])
    assert whole.counters["dropped.near"] > 10
    assert whole.counters["verified.text"] > 3 < whole.counters["verified.signature"]
    random.Random(1).shuffle(documents)
    parts = [partition(tmp_path / "cut", f"{9 - n}", documents[n::4]) for n in range(4)]
    runs = banded(tmp_path / "cut", [parts[2], parts[0]], [parts[1], parts[3]], ranges=4)
    monkeypatch.setattr(stages.dedup.verify, "CHARACTERS", 900)
    monkeypatch.setattr(stages.dedup.verify, "WAITING", 2)
    monkeypatch.setattr(stages.dedup.blocks, "DOCUMENTS", 7)
    monkeypatch.setattr(stages.dedup.settled, "DOCUMENTS", 5)
    monkeypatch.setattr(stages.dedup.spill, "BUFFER", 900)
    monkeypatch.setattr(stages.dedup.components, "KEYS", 40)
    first = dedup(tmp_path / "first", [*parts], runs, ranges=1)
    again = dedup(tmp_path / "again", [*reversed(parts)], [*reversed(runs)], ranges=16)
    assert first.bytes == again.bytes
    assert first.rows == whole.rows


def test_nothing_is_lost(tmp_path: Path) -> None:
    documents = world(1)
    done = dedup(tmp_path, [partition(tmp_path, "p", documents)])
    participants = sum(document.keep for document in documents)
    assert sum(row["cluster_size"] for row in done.rows.values()) == participants == done.counters["participants"]
    assert len(done.kept) + done.counters["dropped.exact"] + done.counters["dropped.near"] == participants
    assert all(row["keeper"] in done.kept for row in done.rows.values() if row["level"])


@settings(max_examples=5, deadline=None)
@given(st.integers(2, 10_000))
def test_every_drop_is_verified_and_no_suspected_true_pair_is_kept(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("verified")
    documents = world(seed)
    text = {document.name: document.text for document in documents}
    done = dedup(folder, [partition(folder, "p", documents)])
    for name, row in done.rows.items():
        if row["level"] == "near":
            assert similarity(text[name], text[row["keeper"]]) >= 0.8 - 0.1
    # Clearly alike by any measure: 3 standard errors above the bound and then 3 of the estimate's own.
    kept = [name for name in done.kept if len(text[name]) > 5]
    for i, one in enumerate(kept):
        for other in kept[i + 1 :]:
            if done.rows[one]["component"] == done.rows[other]["component"]:
                assert similarity(text[one], text[other]) < 0.8 + 0.16


def test_huge_components_come_to_the_same_answer_along_shared_keys(tmp_path: Path) -> None:
    base = prose(400, 1)
    documents = [Document(f"{n:02d}", base + prose(n % 7 + 1, 50 + n)) for n in range(40)]
    part = partition(tmp_path, "p", documents)
    small, huge = (dedup(tmp_path / str(limit), [part], all_pairs=limit) for limit in (2000, 10))
    assert (small.counters["components.huge"], huge.counters["components.huge"]) == (0, 1)
    assert small.rows == huge.rows
    assert len(small.kept) == 1


def test_huge_components_do_not_depend_on_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    core = prose(300, 1)
    documents = [Document(f"{n:02d}", prose(60, n) + core[n % 5 :] + prose(n % 9, 99 + n)) for n in range(60)]
    part = partition(tmp_path, "p", documents)
    whole = dedup(tmp_path / "whole", [part], all_pairs=5, comparisons=2)
    monkeypatch.setattr(stages.dedup.verify, "CHARACTERS", 500)
    assert dedup(tmp_path / "cut", [part], all_pairs=5, comparisons=2).rows == whole.rows
    assert whole.counters["components.huge"] == 1
    assert 1 < len(whole.kept) < 60


def test_a_missing_or_foreign_run_is_an_error(tmp_path: Path) -> None:
    parts = [
        partition(tmp_path, f"p{n}", [Document(f"{n}{i}", prose(60, 10 * n + i)) for i in range(3)]) for n in range(2)
    ]
    with pytest.raises(AssertionError, match="one is missing"):
        dedup(tmp_path, parts, banded(tmp_path / "a", parts[:1]))
    with pytest.raises(AssertionError, match="another run is over, too"):
        dedup(tmp_path, parts, banded(tmp_path / "c", parts, parts[:1]))
    foreign = partition(tmp_path, "x", [Document(f"x{i}", prose(60, 5)) for i in range(3)])
    with pytest.raises(AssertionError, match="over partition x, which is not here"):
        dedup(tmp_path, parts[:1], banded(tmp_path / "b", [foreign]))


def test_a_partition_given_twice_is_named(tmp_path: Path) -> None:
    part = partition(tmp_path, "p", [Document("a", "文書")], source="one")
    with pytest.raises(InputError, match="partition p is in source 'one' and again in 'two'"):
        Dedup().run(Inputs(parts=(part, Part("p", "two", 0, part.rows))), None)  # type: ignore[arg-type]


def test_no_documents_at_all(tmp_path: Path) -> None:
    done = dedup(tmp_path, [partition(tmp_path, "p", []), partition(tmp_path, "q", [Document("a", "否", keep=False)])])
    assert (done.kept, done.counters["participants"]) == ([], 0)


def test_dates_are_numbers_and_bad_ones_the_oldest() -> None:
    dates = ["2024-05-06T07:08:09Z", "2024-05-06T07:08:09.5Z", "", "昨日"]
    assert instants(dates).tolist() == [20240506070809, 20240506070809, 0, 0]
