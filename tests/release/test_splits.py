"""Held-out splits: no near-duplicate in two of them, deterministic, summed up in the manifest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.release.splits import split_of, splits_of
from tests.corpora import documents, own, rows, run, text
from tests.dedup_corpus import alike
from tests.runs import recipe, seimai

SHARES = (("validation", 0.2), ("test", 0.1))


@given(st.binary(min_size=16, max_size=16))
def test_a_component_falls_one_way_and_more_held_out_keeps_what_was(component: bytes) -> None:
    narrow, wide = split_of(component, (("validation", 0.2),)), split_of(component, (("validation", 0.3),))
    assert wide == "validation" or narrow == "train"
    assert splits_of([component, None], SHARES) == [split_of(component, SHARES), "train"]


def test_shares_are_what_they_say() -> None:
    found = [split_of(n.to_bytes(16), SHARES) for n in range(20_000)]
    assert found.count("validation") / 20_000 == pytest.approx(0.2, abs=0.01)
    assert found.count("test") / 20_000 == pytest.approx(0.1, abs=0.01)


def test_documents_that_are_suspected_to_be_alike_stay_together(tmp_path: Path) -> None:
    made = [
        {"id": f"{seed}{side}", "url": "", "text": part}
        for seed in range(80)
        for side, part in zip("ab", alike(0.74, 400, seed), strict=True)
    ]
    folders = []
    for name, cut, workers in (("one", 100, 1), ("two", 51, 2)):
        folder = tmp_path / name
        folder.mkdir()
        files = [documents(folder, "d1", made[:cut]), documents(folder, "d2", made[cut:])]
        told = run(folder, own(*files) + "[splits]\nvalidation = 0.3\ntest = 0.1\n", workers)
        folders.append(folder)
    one, two = ({row["record"]: row["split"] for row in rows(folder)} for folder in folders)
    assert one == two, "whatever the partitions"
    assert len(one) == 160
    together = [one[f"{seed}a"] == one[f"{seed}b"] for seed in range(80)]
    # Of pairs that are .74 alike 1 - (1 - .74^8)^14 = 73 % share a band; the others are no suspects, alike by chance.
    assert sum(together) >= 60
    assert set(one.values()) == {"train", "validation", "test"}
    for split in told["splits"]:
        assert split["written"]["documents"] == list(one.values()).count(split["name"])
    shards = [json.loads(line) for line in (folders[0] / "release" / "shards.jsonl").read_text().splitlines()]
    assert [shard["split"] for shard in shards] == ["train", "validation", "test"]
    assert all(f"own-{shard['split']}-00000-" in shard["path"] for shard in shards)


def test_only_suspects_are_kept_together(tmp_path: Path) -> None:
    """The law that the share above rests on: within a component the split never differs."""
    from stages.release.splits import HELD_OUT

    components = [n.to_bytes(16) for n in (1, 2, 3)] * 5
    found = splits_of(components, ((HELD_OUT[0], 0.5),))
    assert len({(c, s) for c, s in zip(components, found, strict=True)}) == 3


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("validation = 1.0", "validation = 1: a share"),
        ("validation = 0.6\ntest = 0.4", "nothing is left to train on"),
        ("valid = 0.1", "did you mean 'validation'?"),
        ('validation = "1%"', "must be a finite number"),
    ],
)
def test_a_wrong_share_is_one_line(tmp_path: Path, table: str, says: str) -> None:
    path = documents(tmp_path, "d", [{"id": "1", "url": "", "text": text(1)}])
    ran = seimai("plan", recipe(tmp_path, own(path) + f"[splits]\n{table}\n"))
    assert (ran.code, says in ran.err) == (2, True), ran.err
