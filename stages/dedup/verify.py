"""Verification in bulk: signatures and texts of suspected duplicates are read in batches, and only those needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from stages.dedup.components import I64, U64
from stages.dedup.keepers import KEPT, Candidates, Clear, Everyone, Settlement, SharingKeys, settle_clear
from stages.dedup.participants import Documents
from stages.signatures.dedupkey import dedup_key
from stages.signatures.minhash_kernel import Hashes, distinct, jaccard, ngram_hashes

# Neither shows in the result, only in memory: 256 MB of n-gram hashes, some 50 MB of components.
CHARACTERS = 1 << 25
WAITING = 1 << 14


@dataclass(slots=True)
class Verified:
    """What verification found: per document its keeper (or itself) and how alike, and what it cost."""

    keeper: I64  # (n,)
    similarity: npt.NDArray[np.float32]  # (n,): 1 where kept
    by_signature: int = 0  # documents dropped on a clear match of signatures
    by_text: int = 0  # documents dropped on the exact Jaccard similarity of texts
    compared: int = 0  # pairs whose texts were compared
    huge: int = 0  # components compared only along shared keys


@dataclass(frozen=True)
class Verifier:
    """Settles components of distinct documents. `keys` finds the shared band keys of huge components' documents."""

    documents: Documents
    similarity: float
    ngram: int
    all_pairs: int  # largest component that is compared all with all
    comparisons: int  # most texts a document is compared with
    keys: Callable[[npt.NDArray[np.bool_]], tuple[U64, I64]]
    mask_digits: bool = False

    def run(self, members: I64, roots: I64) -> Verified:
        """`members`: signed documents sorted by (root, place in keeper order), `roots` theirs; both (m,)."""
        found = Verified(np.arange(len(self.documents)), np.ones(len(self.documents), dtype=np.float32))
        starts = np.flatnonzero(np.append(True, roots[1:] != roots[:-1])) if len(roots) else np.empty(0, dtype=np.int64)
        bounds = (
            np.stack([starts, np.append(starts[1:], len(members))], axis=1) if len(starts) else starts.reshape(0, 2)
        )
        bounds = bounds[bounds[:, 1] - bounds[:, 0] > 1]
        sharing = self._sharing(members, bounds[bounds[:, 1] - bounds[:, 0] > self.all_pairs])
        found.huge = len(sharing)
        work = _Bulk(self, found)
        signatures = self.documents.signature
        for start, end in self._unclear(members, bounds, found).tolist():
            candidates = sharing.get(start) or Everyone(end - start)
            work.settle(members[start:end], signatures[members[start:end]], candidates)
        work.flush()
        return found

    def _unclear(self, members: I64, bounds: I64, found: Verified) -> I64:
        """Settles the components whose signatures are clear throughout; the bounds of all others."""
        clear = Clear.around(self.similarity, self.documents.signature.shape[1])
        settled = np.zeros(len(bounds), dtype=np.bool_)
        keeper, equal = np.full(len(members), -1, dtype=np.int64), np.zeros(len(members), dtype=np.int64)
        settle_clear(self.documents.signature, members, bounds, self.all_pairs, *clear, keeper, equal, settled)
        gone = np.flatnonzero(keeper >= 0)
        found.keeper[members[gone]] = members[keeper[gone]]
        found.similarity[members[gone]] = equal[gone] / self.documents.signature.shape[1]
        found.by_signature += len(gone)
        return bounds[~settled]

    def _sharing(self, members: I64, huge: I64) -> dict[int, Candidates]:
        """Start of each huge component -> its candidates along shared keys."""
        if not len(huge):
            return {}
        place = np.full(len(self.documents), -1, dtype=np.int64)  # in `members`
        for start, end in huge.tolist():
            place[members[start:end]] = np.arange(start, end)
        keys, documents = self.keys(place >= 0)
        places = place[documents]
        return {start: SharingKeys.of(keys, places, start, end, self.all_pairs) for start, end in huge.tolist()}


@dataclass
class _Bulk:
    """Components waiting for texts; `flush` reads the texts of all of them at once."""

    verifier: Verifier
    found: Verified
    waiting: list[tuple[I64, Settlement]] = field(default_factory=list)
    needed: set[int] = field(default_factory=set)
    spent: int = 0

    def settle(self, who: I64, signatures: npt.NDArray[np.uint32], candidates: Candidates) -> None:
        settlement = Settlement(signatures, self.verifier.similarity, self.verifier.comparisons, candidates)
        costs = self.verifier.documents.characters[who].astype(np.int64)
        while not settlement.finished:
            texts = settlement.scan(costs, CHARACTERS - self.spent)
            self.waiting.append((who, settlement))
            self.needed.update(who[texts].tolist())
            self.spent += int(costs[texts].sum())
            if self.spent <= CHARACTERS and len(self.waiting) < WAITING and settlement.scanned:
                return
            self.flush()

    def flush(self) -> None:
        sets = self._sets()
        for who, settlement in self.waiting:
            first = settlement.decided

            def alike(one: int, other: int, who: I64 = who) -> float:
                self.found.compared += 1
                return jaccard(sets[int(who[one])], sets[int(who[other])])

            for document, judgement in zip(who[first:], settlement.decide(alike), strict=False):
                if judgement.keeper != KEPT:
                    self.found.keeper[document] = who[judgement.keeper]
                    self.found.similarity[document] = judgement.similarity
                    self.found.by_text += judgement.by_text
                    self.found.by_signature += not judgement.by_text
        self.waiting, self.needed, self.spent = [], set(), 0

    def _sets(self) -> dict[int, Hashes]:
        if not self.needed:
            return {}
        numbers = np.array(sorted(self.needed), dtype=np.int64)
        texts = self.verifier.documents.texts(numbers)
        ngram, masked = self.verifier.ngram, self.verifier.mask_digits
        hashed = (distinct(ngram_hashes(dedup_key(text, masked), ngram)) for text in texts)
        return dict(zip(numbers.tolist(), hashed, strict=True))
