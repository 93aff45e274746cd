"""Levels of dedup: each on or off, older fetches of one address, digits."""

from __future__ import annotations

from pathlib import Path

import pytest

from stages.dedup import Dedup
from tests.dedup_corpus import Document, alike, dedup, partition, prose, similarity

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


def test_what_is_off_does_not_show_in_the_fingerprint() -> None:
    assert Dedup(url_order=("oldest",), url_similarity=0.5).params() == Dedup().params()
    assert Dedup(levels=("near", "exact")).params() == Dedup().params() != Dedup(levels=ALL).params()
