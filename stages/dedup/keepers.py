"""Inside one component: who is kept. A document goes only on a verified match with a document that stays.

Documents come in keeper order. Each is compared with those kept before it: by signature where that is clear, by the
exact Jaccard similarity of the texts where it is not. So in a chain A ~ B ~ C with A unlike C, B goes for A, and C
stays: nobody goes for a likeness to someone who is gone, and of a true pair not both are kept.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from filters.kernels import kernel
from stages.dedup.components import I64, U64

KEPT = -1


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

    Under a key only the first `heads` documents in keeper order may become candidates: a template can put a million
    documents that are not alike under one key, and the limit keeps that linear. `keys` and `documents`, both (m,), are
    the occurrences of keys in the component; about 30 bytes for each.
    """

    def __init__(self, size: int, keys: U64, documents: I64, heads: int) -> None:
        self._in = np.zeros(size, dtype=np.bool_)
        order = np.lexsort((documents, keys))
        keys, under = keys[order], documents[order]
        changes = np.append(True, keys[1:] != keys[:-1]) if len(keys) else np.empty(0, dtype=np.bool_)
        firsts = np.flatnonzero(changes)
        bucket = np.cumsum(changes) - 1  # of each occurrence
        sizes = np.diff(np.append(firsts, len(keys)))
        self._under = under.astype(np.int32)  # documents by key, ascending
        self._starts, self._ends = firsts, firsts + np.minimum(sizes, heads)
        by_document = np.argsort(under, kind="stable")
        self._buckets = bucket[by_document].astype(np.int32)
        self._first = np.searchsorted(under[by_document], np.arange(size + 1))  # of each document, in `_buckets`
        self._seen = np.full(size, -1, dtype=np.int32)

    @classmethod
    def of(cls, keys: U64, places: I64, start: int, end: int, heads: int) -> SharingKeys:
        """Of the component at the places `start` to `end`. A key lies in one component alone: sharing it joined them."""
        inside = (places >= start) & (places < end)
        return cls(end - start, keys[inside], places[inside] - start, heads)

    def before(self, document: int) -> I64:
        buckets = self._buckets[self._first[document] : self._first[document + 1]]
        return np.sort(_heads(self._under, self._starts, self._ends, buckets, document, self._in, self._seen))

    def add(self, document: int) -> None:
        self._in[document] = True

    def remove(self, document: int) -> None:
        self._in[document] = False


@kernel
def _heads(
    under: npt.NDArray[np.int32],
    starts: I64,
    ends: I64,
    buckets: npt.NDArray[np.int32],
    document: int,
    present: npt.NDArray[np.bool_],
    seen: npt.NDArray[np.int32],
) -> I64:
    """The documents present before `document` under one of its keys, each once. `seen` is scratch, -1 where unused."""
    found = 0
    for bucket in buckets:
        for i in range(starts[bucket], ends[bucket]):
            if under[i] >= document:
                break
            if present[under[i]] and seen[under[i]] < 0:
                seen[under[i]] = 1
                found += 1
    out = np.empty(found, np.int64)
    found = 0
    for bucket in buckets:
        for i in range(starts[bucket], ends[bucket]):
            if under[i] >= document:
                break
            if seen[under[i]] == 1:
                seen[under[i]] = -1
                out[found] = under[i]
                found += 1
    return out


@kernel
def settle_clear(
    signatures: npt.NDArray[np.uint32],
    members: I64,
    bounds: I64,
    largest: int,
    alike: int,
    unlike: int,
    keeper: I64,
    equal: I64,
    settled: npt.NDArray[np.bool_],
) -> None:
    """Judges as `Settlement` does, where no text is needed for it: most components, in a hundredth of its time.

    `bounds`, shape (c, 2), are the components' places in `members`. Fills in, for the components it has `settled`, the
    place of each document's `keeper` (-1 where it is kept) and how many minima are `equal`. Components of more than
    `largest` documents, and those in which the most alike of those kept is neither clearly alike nor clearly not, stay
    as they are.
    """
    kept = np.empty(max(largest, 1), np.int64)
    for c in range(len(bounds)):
        start, end = bounds[c]
        if end - start > largest:
            continue
        many = 0
        clear = True
        for place in range(start, end):
            most, best = unlike, -1
            for k in range(many):
                agreeing = 0
                for p in range(signatures.shape[1]):
                    agreeing += signatures[members[place], p] == signatures[members[kept[k]], p]
                if agreeing > most:
                    most, best = agreeing, kept[k]
            if best < 0:
                kept[many] = place
                many += 1
            elif most >= alike:
                keeper[place], equal[place] = best, most
            else:
                clear = False
                break
        settled[c] = clear
        if not clear:
            keeper[start:end] = -1


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
