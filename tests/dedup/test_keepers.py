from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.dedup.keepers import KEPT, Candidates, Clear, Everyone, Settlement, SharingKeys, settle_clear

SIMILARITY = 0.6
Table = npt.NDArray[np.float64]


def naive(signatures: npt.NDArray[np.uint32], jaccard: Table, comparisons: int) -> list[tuple[int, float]]:
    """The rule with everything at hand: (keeper, similarity) of every document."""
    clear = Clear.around(SIMILARITY, signatures.shape[1])
    kept: list[int] = []
    out: list[tuple[int, float]] = []
    for document, signature in enumerate(signatures):
        equal = {other: int((signature == signatures[other]).sum()) for other in kept}
        likely = sorted(
            (other for other in kept if equal[other] > clear.unlike), key=lambda other: (-equal[other], other)
        )
        judgement = (KEPT, 1.0)
        for other in likely[:comparisons]:
            if equal[other] >= clear.alike:
                judgement = (other, equal[other] / signatures.shape[1])
            elif jaccard[document, other] >= SIMILARITY:
                judgement = (other, float(jaccard[document, other]))
            else:
                continue
            break
        out.append(judgement)
        if judgement[0] == KEPT:
            kept.append(document)
    return out


def settled(
    signatures: npt.NDArray[np.uint32], jaccard: Table, comparisons: int, allowance: int, candidates: Candidates
) -> list[tuple[int, float]]:
    settlement = Settlement(signatures, SIMILARITY, comparisons, candidates)
    out: list[tuple[int, float]] = []
    while not settlement.finished:
        texts = set(settlement.scan(np.ones(len(signatures), dtype=np.int64), allowance).tolist())

        def measure(one: int, other: int, texts: set[int] = texts) -> float:
            assert {one, other} <= texts, "a text is asked for that was not announced"
            return float(jaccard[one, other])

        out += [(judgement.keeper, judgement.similarity) for judgement in settlement.decide(measure)]
    return out


@settings(deadline=None, max_examples=300)
@given(st.integers(1, 14), st.integers(0, 2**32 - 1), st.integers(1, 4), st.sampled_from([0, 3, 1000]), st.booleans())
def test_strokes_with_announced_texts_give_the_plain_rule(
    size: int, seed: int, comparisons: int, allowance: int, huge: bool
) -> None:
    rng = np.random.default_rng(seed)
    signatures = (rng.random((size, 20)) < rng.choice([0.1, 0.3, 0.5], size=(size, 1))).astype(np.uint32)
    half = rng.random((size, size))
    jaccard = np.maximum(half, half.T)
    one_key = np.full(size, 7, dtype=np.uint64)
    candidates: Candidates = SharingKeys(size, one_key, np.arange(size), size) if huge else Everyone(size)
    assert settled(signatures, jaccard, comparisons, allowance, candidates) == naive(signatures, jaccard, comparisons)


def test_clear_bounds_lie_three_standard_errors_off() -> None:
    assert Clear.around(0.8, 112) == (103, 76)
    assert Clear.around(0.95, 112).alike > 112, "so close to 1 no signature is proof"


def test_sharing_keys_offers_heads_of_the_same_key_only() -> None:
    keys = np.array([1, 2, 1, 1, 2, 1], dtype=np.uint64)
    candidates = SharingKeys(5, keys, np.array([3, 1, 1, 0, 2, 4]), 2)
    for document in range(5):
        candidates.add(document)
    assert [candidates.before(n).tolist() for n in range(5)] == [[], [0], [1], [0, 1], [0, 1]]
    candidates.remove(0)
    assert candidates.before(3).tolist() == [1]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 8)), unique=True), st.integers(1, 4), st.integers(0, 8))
def test_sharing_keys_are_those_of_a_dictionary(pairs: list[tuple[int, int]], heads: int, gone: int) -> None:
    keys = np.array([key for key, _ in pairs], dtype=np.uint64)
    candidates = SharingKeys(9, keys, np.array([document for _, document in pairs], dtype=np.int64), heads)
    under = {key: sorted(document for k, document in pairs if k == key)[:heads] for key, _ in pairs}
    for document in range(9):
        candidates.add(document)
    candidates.remove(gone)
    for document in range(9):
        shared = {other for key, d in pairs if d == document for other in under[key]}
        expected = sorted(other for other in shared if other < document and other != gone)
        assert candidates.before(document).tolist() == expected


@settings(deadline=None, max_examples=200)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=5), st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_what_signatures_alone_decide_is_decided_as_with_texts(sizes: list[int], seed: int, largest: int) -> None:
    rng = np.random.default_rng(seed)
    signatures = (rng.random((sum(sizes), 20)) < rng.choice([0.02, 0.1, 0.5], size=(sum(sizes), 1))).astype(np.uint32)
    members, ends = rng.permutation(sum(sizes)), np.cumsum(sizes)
    bounds = np.stack([ends - sizes, ends], axis=1)
    keeper, equal = np.full(len(members), -1, dtype=np.int64), np.zeros(len(members), dtype=np.int64)
    done = np.zeros(len(sizes), dtype=np.bool_)
    clear = Clear.around(SIMILARITY, 20)
    settle_clear(signatures, members, bounds, largest, *clear, keeper, equal, done)
    for (start, end), settled_here in zip(bounds.tolist(), done.tolist(), strict=True):
        judged = []
        asked = False

        def no_text(one: int, other: int) -> float:
            nonlocal asked
            asked = True
            return 0.0

        settlement = Settlement(signatures[members[start:end]], SIMILARITY, 1000, Everyone(end - start))
        while not settlement.finished:
            settlement.scan(np.ones(end - start, dtype=np.int64), 1000)
            judged += settlement.decide(no_text)
        assert settled_here == (end - start <= largest and not asked)
        if settled_here:
            assert [start + j.keeper if j.keeper != KEPT else -1 for j in judged] == keeper[start:end].tolist()
            assert [round(j.similarity * 20) for j in judged if j.keeper != KEPT] == equal[start:end][
                keeper[start:end] >= 0
            ].tolist()
        else:
            assert (keeper[start:end] == -1).all()
