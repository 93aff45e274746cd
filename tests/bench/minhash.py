"""Documents a second on one core: dedup key, signature and exact hash, beside datasketch on the same n-grams.

    python -m tests.bench.minhash [characters] [permutations]

Best of several rounds, as the least disturbed. datasketch gets its own batch mode twice: over the n-gram strings with its
default SHA-1, as its documentation shows, and over ready 32-bit hashes, which leaves only its permutations.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable

import numpy as np
from datasketch import MinHash

from stages.signatures.dedupkey import dedup_key, exact_hash
from stages.signatures.minhash_kernel import ngram_hashes, signature

NGRAM, DOCUMENTS, ROUNDS = 5, 50, 40
# Kana, kanji, punctuation and blanks in about the shares of web prose.
LETTERS = (
    "のにをはがでとしたてるいれなかすっらりさこまあうき" * 4
    + "日本人年大会社中国学生出時行事自者手分間" * 3
    + "、。「」 アイスント"
)


def per_second(work: Callable[[str], object], texts: list[str]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for text in texts:
            work(text)
        best = min(best, time.perf_counter() - start)
    return len(texts) / best


def main(characters: int = 2000, permutations: int = 112) -> None:
    rng = random.Random(0)
    texts = ["".join(rng.choices(LETTERS, k=characters)) for _ in range(DOCUMENTS)]

    def ours(text: str) -> object:
        return signature(ngram_hashes(dedup_key(text), NGRAM), permutations, 1)

    def with_exact(text: str) -> object:
        key = dedup_key(text)
        return signature(ngram_hashes(key, NGRAM), permutations, 1), exact_hash(text, key)

    def strings(text: str) -> object:
        sketch = MinHash(num_perm=permutations, seed=1)
        sketch.update_batch([text[i : i + NGRAM].encode() for i in range(len(text) - NGRAM + 1)])
        return sketch

    def hashes(text: str) -> object:
        sketch = MinHash(num_perm=permutations, seed=1, hashfunc=int)
        sketch.update_batch((ngram_hashes(dedup_key(text), NGRAM) >> np.uint64(32)).tolist())
        return sketch

    ours(texts[0])  # compiles
    speed = {"key + signature": per_second(ours, texts), "key + signature + exact hash": per_second(with_exact, texts)}
    few = texts[:4]
    speed |= {"datasketch update_batch": per_second(strings, few), "datasketch, hashes given": per_second(hashes, few)}
    print(f"{characters} characters, {permutations} permutations")
    for name, rate in speed.items():
        print(f"{name:30} {rate:9,.0f} documents/s  {speed['key + signature'] / rate:6.1f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
