"""Inside one component: who is kept. A document goes only on a verified match with a document that stays.

Documents come in keeper order. Each is compared with those kept before it: by signature where that is clear, by the
exact Jaccard similarity of the texts where it is not. So in a chain A ~ B ~ C with A unlike C, B goes for A, and C
stays: nobody goes for a likeness to someone who is gone, and of a true pair not both are kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from filters.kernels import kernel
from stages.components import I64, U64

KEPT = -1
_NO_KEYS: U64 = np.empty(0, dtype=np.uint64)


class Clear(NamedTuple):
    """From how many equal minima of k a pair is clearly alike, and up to how many it is clearly not."""

    alike: int
    unlike: int

    @classmethod
    def around(cls, similarity: float, permutations: int, errors: float = 3.0) -> Clear:
        """`errors` standard errors, sqrt(s (1 - s) / k), around the similarity s that is asked for.

        At .8 and 112 permutations: alike from 103 (.92), unlike up to 76 (.68); between them texts are compared. Past
        1, as at .95, nothing is clearly alike and every match is verified by text.
        """
        margin = errors * math.sqrt(similarity * (1 - similarity) / permutations)
        return cls(math.ceil((similarity + margin) * permutations), math.floor((similarity - margin) * permutations))


class Judgement(NamedTuple):
    """`keeper` is the place of the keeper in the component, or KEPT."""

    keeper: int
    similarity: float
    by_text: bool


class Candidates(Protocol):
    """The documents of a component that a later one is compared with."""

    def before(self, document: int) -> I64:
        """Those added that come before `document`, ascending."""

    def add(self, document: int) -> None: ...

    def remove(self, document: int) -> None: ...


class Everyone:
    """Compares all with all: right for components of up to some thousand documents."""

    def __init__(self, size: int) -> None:
        self._in = np.zeros(size, dtype=np.bool_)

    def before(self, document: int) -> I64:
        return np.flatnonzero(self._in[:document])

    def add(self, document: int) -> None:
        self._in[document] = True

    def remove(self, document: int) -> None:
        self._in[document] = False


class SharingKeys:
    """Compares along shared band keys only: right for huge components, where all with all is out of reach.

    `keys` of a document are those that another one of the component has too; `heads` are the ones among them under
    which it may become a candidate (only the first in keeper order may: a template can put a million documents that
    are not alike under one key, and the limit keeps that linear).
    """

    def __init__(self, size: int, keys: Mapping[int, U64], heads: Mapping[int, U64]) -> None:
        self._in = np.zeros(size, dtype=np.bool_)
        self._keys = keys
        headed: dict[int, list[int]] = {}
        for document in sorted(heads):
            for key in heads[document].tolist():
                headed.setdefault(key, []).append(document)
        self._heads = {key: np.array(documents, dtype=np.int64) for key, documents in headed.items()}

    def before(self, document: int) -> I64:
        heads = [self._heads[key] for key in self._keys.get(document, _NO_KEYS).tolist()]
        found = np.concatenate(heads) if heads else np.empty(0, dtype=np.int64)
        return np.unique(found[(found < document) & self._in[found]])

    def add(self, document: int) -> None:
        self._in[document] = True

    def remove(self, document: int) -> None:
        self._in[document] = False


@kernel
def _agreements(signatures: npt.NDArray[np.uint32], document: int, others: I64) -> I64:
    out = np.zeros(len(others), np.int64)
    for i in range(len(others)):
        equal = 0
        for p in range(signatures.shape[1]):
            equal += signatures[document, p] == signatures[others[i], p]
        out[i] = equal
    return out


class Settlement:
    """Settles one component of m documents, given in keeper order with signatures of shape (m, k).

    In two strokes, so that texts can be read in bulk: `scan` names the documents whose text may be needed, as far as
    its allowance goes, and `decide` settles what was scanned. Where a stroke ends does not show in the judgements.
    """

    def __init__(
        self, signatures: npt.NDArray[np.uint32], similarity: float, comparisons: int, candidates: Candidates
    ) -> None:
        self._signatures = signatures
        self._clear = Clear.around(similarity, signatures.shape[1])
        self._similarity = similarity
        self._comparisons = comparisons
        self._candidates = candidates
        self._certain = np.zeros(len(signatures), dtype=np.bool_)  # kept, whatever the texts say
        self._added = np.zeros(len(signatures), dtype=np.bool_)  # to the candidates, by `scan`
        self.decided = 0  # documents settled so far
        self._scanned = 0

    @property
    def scanned(self) -> bool:
        return self._scanned == len(self._signatures)

    @property
    def finished(self) -> bool:
        return self.decided == len(self._signatures)

    def scan(self, costs: I64, allowance: int) -> I64:
        """Goes on until the texts needed cost more than `allowance` (always by one document); returns those texts.

        `costs`, shape (m,), is what reading the text of each document costs.
        """
        needed = np.zeros(len(self._signatures), dtype=np.bool_)
        spent = 0
        for document in range(self._scanned, len(self._signatures)):
            if spent > allowance:
                break
            self._scanned = document + 1
            others = self._candidates.before(document)
            equal = _agreements(self._signatures, document, others)
            if self._certain[others[equal >= self._clear.alike]].any():
                continue  # goes for certain
            self._candidates.add(document)
            self._added[document] = True
            self._certain[document] = not (equal > self._clear.unlike).any()
            unclear = self._may_be_compared(others, equal)
            if len(unclear):
                texts = np.append(unclear, document)
                spent += int(costs[texts[~needed[texts]]].sum())
                needed[texts] = True
        return np.flatnonzero(needed)

    def _may_be_compared(self, others: I64, equal: I64) -> I64:
        """The unclear ones that `_judge` can come to: up to as many certain ones as it compares at most."""
        unclear = np.flatnonzero((equal > self._clear.unlike) & (equal < self._clear.alike))
        if len(unclear) <= self._comparisons:
            return others[unclear]
        ordered = others[unclear[np.argsort(-equal[unclear], kind="stable")]]
        certain = np.cumsum(self._certain[ordered])
        return ordered[: int(np.searchsorted(certain, self._comparisons)) + 1]

    def decide(self, jaccard: Callable[[int, int], float]) -> list[Judgement]:
        """The judgements of what was scanned since the last call, in order. `jaccard` compares two needed texts.

        Of several clear matches the most alike is the keeper, else the first in keeper order; without a clear match
        the unclear are measured from the most alike on, until one is alike or `comparisons` were not.
        """
        judgements: list[Judgement] = []
        for document in range(self.decided, self._scanned):
            judgement = Judgement(KEPT, 1.0, False) if self._certain[document] else self._judge(document, jaccard)
            if judgement.keeper == KEPT:
                self._certain[document] = True
            elif self._added[document]:
                self._candidates.remove(document)
            judgements.append(judgement)
        self.decided = self._scanned
        return judgements

    def _judge(self, document: int, jaccard: Callable[[int, int], float]) -> Judgement:
        others = self._candidates.before(document)
        equal = _agreements(self._signatures, document, others)
        likely = np.flatnonzero(equal > self._clear.unlike)
        likely = likely[np.argsort(-equal[likely], kind="stable")][: self._comparisons]
        for other, agreeing in zip(others[likely].tolist(), equal[likely].tolist(), strict=True):
            if agreeing >= self._clear.alike:
                return Judgement(other, agreeing / self._signatures.shape[1], False)
            measured = jaccard(document, other)
            if measured >= self._similarity:
                return Judgement(other, measured, True)
        return Judgement(KEPT, 1.0, False)
