"""Levels of dedup: each on or off, older fetches of one address, digits."""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stages.dedup.blocks
import stages.dedup.buckets
import stages.dedup.components
import stages.dedup.fetches
import stages.dedup.settled
import stages.dedup.spill
from stages.base import MAIN, Inputs
from stages.dedup.buckets import Buckets
from stages.dedup.dedup import Dedup
from stages.dedup.host_losses import host_hashes
from stages.hosts import host_of
from stages.signatures.address import Address
from tests.dedup_corpus import Document, alike, banded, dedup, partition, prose, rows_of, run, similarity, world
from tests.runs import recipe, seimai, source

ALL = ("url", "exact", "near")
PAGE = "https://example.jp/page"


def fetch(name: str, text: str, year: int, url: str = PAGE) -> Document:
    return Document(name, text, date=f"{year}-01-01T00:00:00Z", url=url)


def test_of_one_address_the_newest_fetch_stays(tmp_path: Path) -> None:
    fetches = [
        fetch("old", prose(300, 1), 2020),
        fetch("new", prose(200, 2), 2024, "http://EXAMPLE.jp/page?utm_source=x"),
    ]
    part = partition(tmp_path, "p", [*fetches, Document("other", prose(300, 3))])
    assert dedup(tmp_path / "off", [part]).kept == ["new", "old", "other"]
    done = dedup(tmp_path / "on", [part], levels=ALL)
    assert done.kept == ["new", "other"]
    row = done.rows["old"]
    assert (row["level"], row["keeper"], row["similarity"]) == ("url", "new", pytest.approx(0, abs=0.05))
    assert done.rows["new"]["cluster_size"] == 2
    assert (done.counters["dropped.url"], done.counters["dropped.near"]) == (1, 0)
    assert dedup(tmp_path / "oldest", [part], levels=ALL, url_order=("oldest",)).kept == ["old", "other"]


def test_an_older_fetch_goes_where_the_newest_goes_and_keeps_nobody_out(tmp_path: Path) -> None:
    short, long = alike(0.95, 600, 1)
    elsewhere = prose(500, 7)
    documents = [
        fetch("old", elsewhere, 2020),
        fetch("new", short, 2024),
        Document("long", long + "尾"),
        Document("copy", elsewhere),  # of the old fetch, which is gone: nobody who stays says the same
    ]
    done = dedup(tmp_path, [partition(tmp_path, "p", documents)], levels=ALL)
    assert done.kept == ["copy", "long"]
    assert [(done.rows[n]["level"], done.rows[n]["keeper"]) for n in ("old", "new")] == [
        ("url", "long"),
        ("near", "long"),
    ]
    assert done.rows["long"]["cluster_size"] == 3


def test_an_older_fetch_that_said_something_else_may_stay(tmp_path: Path) -> None:
    one, other = alike(0.6, 600, 4)
    documents = [fetch("news", prose(500, 1), 2019), fetch("old", one, 2020), fetch("new", other, 2024)]
    done = dedup(tmp_path, [partition(tmp_path, "p", documents)], levels=ALL, url_similarity=0.4)
    assert done.kept == ["new", "news"]
    assert done.rows["old"]["similarity"] == pytest.approx(similarity(one, other), abs=0.15)


def test_short_fetches_say_nothing_of_their_likeness(tmp_path: Path) -> None:
    part = partition(tmp_path, "p", [fetch("old", "短", 2020), fetch("new", "長", 2024), fetch("same", "長", 2021)])
    done = dedup(tmp_path, [part], levels=ALL)
    assert done.kept == ["new"]
    assert [done.rows[n]["similarity"] for n in ("old", "same")] == [None, 1.0]
    assert dedup(tmp_path / "bound", [part], levels=ALL, url_similarity=0.1).kept == ["new", "old"]


def test_levels_are_switched_one_by_one(tmp_path: Path) -> None:
    short, long = alike(0.95, 600, 1)
    documents = [Document("long", long + "尾"), Document("short", short), Document("copy", short)]
    documents += [Document("a", "短い"), Document("b", "短い")]
    part = partition(tmp_path, "p", documents)

    def lost(*levels: str) -> dict[str, str]:
        rows = dedup(tmp_path / ("-".join(levels) or "none"), [part], levels=levels).rows
        return {name: row["level"] for name, row in rows.items() if row["level"]}

    assert lost() == {}
    assert set(lost("exact").values()) == {"exact"}
    assert len(lost("exact")) == 2
    assert lost("near") == {"short": "near", "copy": "near"}
    both = lost("exact", "near")
    assert sorted(both.values()) == ["exact", "near", "near"]
    with pytest.raises(ValueError, match="levels knows url, exact, near, not host"):
        Dedup(levels=("host",))


def test_digits_are_masked_by_option(tmp_path: Path) -> None:
    text = prose(40, 1)
    documents = [Document(str(n), f"{text}{year}年{n}月{text}") for n, year in ((1, 2019), (2, 2024))]
    plain = partition(tmp_path / "plain", "p", documents)
    assert len(dedup(tmp_path / "plain", [plain]).kept) == 2
    masked = partition(tmp_path / "masked", "p", documents, mask_digits=True)
    done = dedup(tmp_path / "masked", [masked], mask_digits=True)
    assert [row["level"] for row in done.rows.values() if row["level"]] == ["exact"]


def test_texts_are_compared_with_their_digits_masked(tmp_path: Path) -> None:
    """An unclear pair, .83 alike but for its digits: with these it is unlike, and only the texts can tell."""
    one, other = alike(0.83, 900, 3)
    texts = ["".join(f"{c}{d}" if n % 4 == 0 else c for n, c in enumerate(t)) for t, d in ((one, 1), (other, 2))]
    part = partition(tmp_path, "p", [Document(f"{n}", text) for n, text in enumerate(texts)], mask_digits=True)
    done = dedup(tmp_path, [part], mask_digits=True)
    (gone,) = (row for row in done.rows.values() if row["level"])
    assert gone["similarity"] == pytest.approx(0.83, abs=0.05)
    assert done.counters["verified.text"] == 1
    assert len(dedup(tmp_path / "plain", [part]).kept) == 2, "compared with their digits they are unlike"


def test_what_is_off_does_not_show_in_the_fingerprint() -> None:
    assert Dedup(url_order=("oldest",), url_similarity=0.5).params() == Dedup().params()
    assert Dedup(levels=("near", "exact")).params() == Dedup().params() != Dedup(levels=ALL).params()


def fetched(seed: int) -> list[Document]:
    """A world in which some documents are fetches of one address, some of several of its clusters, some without one."""
    rng = random.Random(seed)
    return [
        replace(d, url=f"https://example.jp/{rng.randrange(25)}" if rng.random() < 0.6 else "") for d in world(seed)
    ]


def naive_winners(documents: list[Document]) -> dict[str, str]:
    """Of every document the newest of its address among the kept, then the longest, then the lowest id."""
    by_address: dict[str, list[Document]] = defaultdict(list)
    for document in documents:
        if document.keep:
            by_address[document.url or document.name].append(document)
    won = {}
    for fetches in by_address.values():
        newest = max(d.date for d in fetches)
        of_newest = [d for d in fetches if d.date == newest]
        longest = max(len(d.text) for d in of_newest)
        first = min((d for d in of_newest if len(d.text) == longest), key=lambda d: d.id)
        won |= {d.name: first.name for d in fetches}
    return won


@settings(max_examples=5, deadline=None)
@given(st.integers(2, 10_000))
def test_one_fetch_of_an_address_takes_part_as_if_the_others_were_not_there(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("fetches")
    documents = fetched(seed)
    won = naive_winners(documents)
    done = dedup(folder / "all", [partition(folder / "all", "p", documents)], levels=ALL)
    stays = [d for d in documents if won.get(d.name) == d.name]
    alone = dedup(folder / "alone", [partition(folder / "alone", "p", stays)])
    assert done.kept == alone.kept
    for name, winner in won.items():
        row = done.rows[name]
        if name != winner:
            keeper = alone.rows[winner]["keeper"] or winner
            assert (row["level"], row["keeper"]) == ("url", keeper)
        else:
            assert (row["level"], row["keeper"]) == (alone.rows[name]["level"], alone.rows[name]["keeper"])
    assert sum(row["cluster_size"] for row in done.rows.values()) == len(won) == done.counters["participants"]
    assert sum(done.counters[f"dropped.{level}"] for level in ALL) == len(won) - len(done.kept)


def test_levels_do_not_depend_on_parts_groups_ranges_or_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    documents = fetched(3)
    whole = dedup(tmp_path / "whole", [partition(tmp_path / "whole", "p", documents)], levels=ALL)
    assert whole.counters["dropped.url"] > 10
    order = random.Random(5).sample(documents, len(documents))
    parts = [partition(tmp_path / "cut", f"p{n}", order[n::4]) for n in range(4)]
    runs = banded(tmp_path / "cut", parts[1:2], [parts[3], parts[0], parts[2]], addresses=True, ranges=4)
    monkeypatch.setattr(stages.dedup.blocks, "DOCUMENTS", 9)
    monkeypatch.setattr(stages.dedup.settled, "DOCUMENTS", 5)
    monkeypatch.setattr(stages.dedup.fetches, "PAIRS", 3)
    monkeypatch.setattr(stages.dedup.spill, "BUFFER", 900)
    monkeypatch.setattr(stages.dedup.components, "KEYS", 40)
    first = dedup(tmp_path / "first", parts, runs, levels=ALL, ranges=1)
    again = dedup(tmp_path / "again", [*reversed(parts)], [*reversed(runs)], levels=ALL, ranges=16)
    assert first.bytes == again.bytes
    assert first.summary == again.summary
    assert first.rows == whole.rows
    assert told(first.summary) == told(whole.summary)


def told(summary: list[dict[str, Any]]) -> list[tuple[object, ...]]:
    """What of a summary is the same for any partitioning: of hosts and buckets the example is the first by place."""
    return [
        (row["kind"], row["name"], row["documents"], row["lost"], row["times"])
        + ((row["example"], row["keeper"]) if row["kind"] not in ("host", "bucket") else ())
        for row in summary
    ]


def test_sources_that_stay_by_themselves_share_no_address(tmp_path: Path) -> None:
    part = partition(tmp_path, "p", [fetch("a", prose(300, 1), 2020)])
    keys = []
    for within in ("", "x", "y"):
        written, _ = run(Address(within), Inputs(parts=(part,)), tmp_path / f"keys{within}")
        keys.append(written[MAIN].read()["address"][0].as_py())
    assert len(set(keys)) == 3


def test_a_recipe_keeps_the_newest_fetch_and_counts_the_others(tmp_path: Path) -> None:
    rows = [
        {"url": "http://a.example/x?utm_source=mail", "date": "2020-01-01T00:00:00Z", "text": prose(300, 1)},
        {"url": "https://a.example/x#top", "date": "2024-01-01T00:00:00Z", "text": prose(250, 2) + "2024年"},
        {"url": "https://a.example/y", "date": "2019-01-01T00:00:00Z", "text": prose(250, 2) + "2019年"},
        {"url": "https://a.example/short", "date": "2018-01-01T00:00:00Z", "text": "短"},
        {"url": "https://a.example/short", "date": "2019-01-01T00:00:00Z", "text": "長"},
    ]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    text = source("s", "jsonl", tmp_path / "in.jsonl", join="dedup", url_column="url", date_column="date")
    text += "[stages.dedup]\nlevels = ['url', 'exact', 'near']\nmask_digits = true\n"
    ran = seimai("run", recipe(tmp_path, text), "--runner", "local", "--workers", "1")
    assert ran.code == 0, ran.err
    assert "another fetch of an address that stays" in ran.out
    assert seimai("verify", tmp_path / "release").code == 0
    manifest = json.loads((tmp_path / "release/manifest.json").read_text())
    assert manifest["funnel"]["duplicates"] == {"dedup.exact": 1, "dedup.url": 2}
    assert manifest["dedup"]["levels"] == ["url", "exact", "near"]
    traced = seimai("trace", rows[0]["url"], "--run", tmp_path / "recipe.toml").out
    assert "dedup.url, 0.0" in traced
    assert "like https://a.example/x#top" in traced
    assert "too short to compare with" in seimai("trace", rows[3]["url"], "--run", tmp_path / "recipe.toml").out
    plan = seimai("plan", tmp_path / "recipe.toml").out
    assert "address" in plan


def test_what_hosts_and_sources_lose_is_what_is_counted_one_by_one(tmp_path: Path) -> None:
    """Against a loop over the rows, for any partitioning; with hosts of all sizes around the least that is looked at."""
    rng = random.Random(1)
    documents = []
    for number, (size, unique) in enumerate(((150, 3), (100, 100), (99, 1), (120, 60), (230, 2))):
        for n in range(size):
            text = prose(60, 1000 * number + rng.randrange(unique))
            documents.append(Document(f"{number}-{n}", text, url=f"https://h{number}.example/{n}"))
    parts = [partition(tmp_path, f"p{n}", documents[n::3], source=f"s{n % 2}") for n in range(3)]
    done = dedup(tmp_path, parts, levels=("exact",))
    expected: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    source_of = {d.name: f"s{n % 3 % 2}" for n, d in enumerate(documents)}
    for d in documents:
        for key in (("source", source_of[d.name]), ("host", host_of(d.url))):
            expected[key][0] += 1
            expected[key][1] += bool(done.rows[d.name]["level"])
    hosts = {key: tuple(n) for key, n in expected.items() if key[0] == "source" or (n[0] >= 100 and n[1])}
    found = {
        (r["kind"], r["name"]): (r["documents"], r["lost"]) for r in done.summary if r["kind"] in ("source", "host")
    }
    assert found == hosts
    shares = [row["lost"] / row["documents"] for row in done.summary if row["kind"] == "host"]
    assert shares == sorted(shares, reverse=True)
    for row in done.summary:
        if row["kind"] == "host":
            assert (done.rows[row["example"]]["keeper"], row["url"]) == (row["keeper"], f"https://{row['name']}/"
                                                                         + row["example"].split("-")[1])  # fmt: skip
        if row["kind"] == "source":
            lost = [
                done.rows[name]["keeper"]
                for name, s in source_of.items()
                if s == row["name"] and done.rows[name]["level"]
            ]
            assert row["times"] == Counter(lost)[row["keeper"]] == max(Counter(lost).values())


def test_hashes_of_hosts_are_of_their_text_wherever_it_lies() -> None:
    names = ["", "a.example", "b.example", "", "日本.jp"] * 3
    whole = host_hashes(pa.chunked_array([pa.array(names)]))
    cut = host_hashes(pa.chunked_array([pa.array(names)[:4], pa.array([], pa.string()), pa.array(names)[4:]]))
    assert whole.tolist() == cut.tolist()
    assert [h == 0 for h in whole.tolist()] == [not name for name in names]
    assert len(set(whole.tolist())) == 4


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True), max_size=40), st.integers(1, 4))
def test_hot_buckets_are_the_largest_whatever_the_ranges(buckets: list[list[int]], ranges: int) -> None:
    """Against sorting all of them; a bucket is the documents under a key."""
    expected: dict[frozenset[int], list[int]] = defaultdict(list)
    for key, members in enumerate(buckets):
        if len(members) > 1:
            expected[frozenset(members)].append(key)
    most = 3  # few, so that what was found is often pushed out again
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stages.dedup.buckets, "MOST", most)
        found = Buckets()
        for r in range(ranges):
            some = [key for key in range(len(buckets)) if key % ranges == r and len(buckets[key]) > 1]
            keys = np.array([key for key in some for _ in buckets[key]], dtype=np.uint64)
            found.add(keys, np.array([d for key in some for d in buckets[key]], dtype=np.int32))
        largest = found.largest()
    sizes = sorted((-len(members), min(members)) for members in expected)
    assert [(-b.size, b.first) for b in largest] == sizes[:most]
    sets = {tuple(keys): members for members, keys in expected.items()}
    for bucket in largest:
        members = sets[bucket.keys]
        assert (len(members), min(members)) == (bucket.size, bucket.first)


def test_a_bucket_is_called_by_the_keys_of_its_example(tmp_path: Path) -> None:
    one, other = alike(0.95, 600, 1)
    documents = [fetch("old", one, 2020), fetch("new", one, 2021), fetch("third", other, 2021)]
    done = dedup(tmp_path, [partition(tmp_path, "p", documents)], levels=ALL)
    buckets = [row for row in done.summary if row["kind"] == "bucket"]
    assert buckets[0]["documents"] == 3
    assert "url" in buckets[0]["keys"]
    assert "exact" in buckets[1]["keys"]
    assert {key for b in buckets for key in b["keys"]} == {*(f"band {n}" for n in range(14)), "exact", "url"}


def test_a_fetch_that_an_index_knows_is_not_the_one_that_stays(tmp_path: Path) -> None:
    """What is known takes no part: the newest of the others stays for the address, and says for how many."""
    documents = [
        fetch("old", prose(300, 1), 2020),
        fetch("newer", prose(300, 2), 2021),
        fetch("new", prose(300, 3), 2024),
    ]
    part = partition(tmp_path, "p", documents)
    table = pa.table({"known": pa.array([None, None, b"k" * 16], pa.binary(16)), "similarity": [None, None, 0.9]})
    part.rows["known"] = rows_of(tmp_path, "known", table)  # type: ignore[index]
    done = dedup(tmp_path, [part], levels=ALL)
    assert done.kept == ["newer"]
    assert {name: row["level"] for name, row in done.rows.items()} == {"old": "url", "newer": "", "new": "known"}
    assert (done.rows["newer"]["cluster_size"], done.rows["new"]["similarity"]) == (2, pytest.approx(0.9))
    assert (done.counters["participants"], done.counters["dropped.known"]) == (2, 1)
    assert [(row["documents"], row["lost"]) for row in done.summary if row["kind"] == "source"] == [(2, 1)]
