from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from stages.signatures.lsh import Shape, found
from tests.dedup_corpus import Document, alike, dedup, partition, similarity
from tests.runs import SHARED

GOLD = SHARED


@pytest.mark.parametrize("j", [0.75, 0.8, 0.85, 0.9, 0.95])
def test_recall_follows_the_catch_curve(tmp_path: Path, j: float) -> None:
    pairs = 80
    texts = [alike(j, 500, seed) for seed in range(pairs)]
    documents = [
        Document(f"{n}{side}", text) for n, pair in enumerate(texts) for side, text in zip("ab", pair, strict=True)
    ]
    done = dedup(tmp_path, [partition(tmp_path, "p", documents)])
    p = found(j, Shape())
    error = 4 * math.sqrt(p * (1 - p) / pairs) + 0.01
    assert abs(done.counters["components"] / pairs - p) < error
    true = [n for n, pair in enumerate(texts) if similarity(*pair) >= 0.8]
    dropped = {int(name[:-1]) for name, row in done.rows.items() if row["level"]}
    if j > 0.8:
        assert len(true) == pairs
        assert len(dropped) / pairs > p - error
    if j < 0.8:
        assert not dropped


@pytest.mark.skipif(not GOLD.is_dir(), reason="the development data is not beside this checkout")
def test_real_pages_by_the_gold_pairs(tmp_path: Path) -> None:
    """Labelled pairs judged by the texts that are compared: page furniture makes some labels .8 and their texts not."""
    pages, labels = (
        [json.loads(line) for line in (GOLD / name).read_text(encoding="utf-8").splitlines()]
        for name in ("gold_extraction.jsonl", "neardup_gold.jsonl")
    )
    texts = {page["url"]: page["gold_text"] for page in pages if page.get("gold_text")}
    pairs = [(p["url_a"], p["url_b"]) for p in labels if p["url_a"] in texts and p["url_b"] in texts]
    urls = sorted({url for pair in pairs for url in pair})
    names = {url: f"{n}" for n, url in enumerate(urls)}
    part = partition(tmp_path, "p", [Document(names[url], texts[url]) for url in urls])
    rows = dedup(tmp_path, [part]).rows
    truth = {pair: similarity(texts[pair[0]], texts[pair[1]]) for pair in pairs}
    both = [truth[one, other] for one, other in pairs if rows[names[one]]["keep"] and rows[names[other]]["keep"]]
    alike = [j for j in truth.values() if j >= 0.8]
    assert len(alike) > 150
    assert len([j for j in both if j >= 0.8]) <= 0.03 * len(alike)
    for (one, other), j in truth.items():
        if j < 0.65:
            assert names[other] != rows[names[one]]["keeper"]
            assert names[one] != rows[names[other]]["keeper"]
