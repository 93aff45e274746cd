from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.keepers import KEPT, Candidates, Clear, Everyone, Settlement, SharingKeys

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
    everybody = {document: np.array([7], dtype=np.uint64) for document in range(size)}
    candidates: Candidates = SharingKeys(size, everybody, everybody) if huge else Everyone(size)
    assert settled(signatures, jaccard, comparisons, allowance, candidates) == naive(signatures, jaccard, comparisons)


def test_clear_bounds_lie_three_standard_errors_off() -> None:
    assert Clear.around(0.8, 112) == (103, 76)
    assert Clear.around(0.95, 112).alike > 112, "so close to 1 no signature is proof"


def test_sharing_keys_offers_heads_of_the_same_key_only() -> None:
    keys = {n: np.array(k, dtype=np.uint64) for n, k in {0: [1], 1: [1, 2], 2: [2], 3: [1]}.items()}
    candidates = SharingKeys(5, keys, {n: keys[n] for n in (0, 1, 2)})
    for document in range(5):
        candidates.add(document)
    assert [candidates.before(n).tolist() for n in range(5)] == [[], [0], [1], [0, 1], []]
    candidates.remove(0)
    assert candidates.before(3).tolist() == [1]
