from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stages.signatures.lsh import Shape, found
from tests.dedup_corpus import Document, dedup, partition
from tests.dedup_truth import BOUND, KINDS, SIMILARITIES, all_pairs, caught, exact, pages
from tests.runs import SHARED


def test_all_pairs_are_those_of_python_sets() -> None:
    texts = ["あいうえおかきくけこ", "あいうえおかきくけさ", "かきくけこさしす", "短い", "", "あいうえお、かきくけこ"]
    pairs = all_pairs(texts)
    known = {(i, j): each for i, j, each in zip(*(column.tolist() for column in pairs), strict=True)}
    for i, one in enumerate(texts):
        for j in range(i + 1, len(texts)):
            expected = exact(one, texts[j]) if len(one) >= 5 <= len(texts[j]) else 0.0
            assert known.get((i, j), 0.0) == pytest.approx(expected)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the development data is not beside this checkout")
def test_of_all_true_pairs_of_real_pages_one_goes_and_nothing_goes_that_is_not_alike(tmp_path: Path) -> None:
    texts = list(pages().values())
    rows = dedup(tmp_path, [partition(tmp_path, "p", [Document(f"{n}", text) for n, text in enumerate(texts)])]).rows
    keep = np.array([rows[f"{n}"]["keep"] for n in range(len(texts))])
    pairs = all_pairs(texts)
    true = pairs.jaccard >= BOUND
    one_gone = ~(keep[pairs.one] & keep[pairs.other])
    assert len(texts) > 1400
    assert true.sum() > 200
    assert one_gone[true].mean() >= 0.995
    removed = [(n, int(rows[f"{n}"]["keeper"])) for n in np.flatnonzero(~keep).tolist()]
    assert len(removed) > 150
    assert all(keep[keeper] for _, keeper in removed)
    wrong = [(n, keeper) for n, keeper in removed if exact(texts[n], texts[keeper]) < BOUND]
    assert sum(len(texts[n]) for n, _ in wrong) == 0, f"removed though unlike their keeper: {wrong}"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("j", SIMILARITIES)
def test_made_pairs_are_caught_as_the_curve_says(kind: object, j: float) -> None:
    seen = caught(kind, j, 150)  # type: ignore[arg-type]
    assert seen.similarity == pytest.approx(j, abs=0.02), "the pairs are not what they are made for"
    assert abs(seen.expected / seen.pairs - found(j, Shape())) < 0.1
    assert abs(seen.deviation) < 3.5
