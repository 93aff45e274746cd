"""One peer on a JSON list of texts: CPU seconds from text to clusters, as JSON. Run by `dedup`, in the peers' own Python.

    PYTHON tests/bench/dedup_peers.py NAME texts.json

Character 5-grams, 14 bands of 8 rows, union-find over the band keys; none of them verifies. Nothing of the project is
imported, so that it runs where only the peers are installed.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from typing import Any

BANDS, ROWS, NGRAM = 14, 8, 5


def ngrams(text: str) -> set[str]:
    return {text[i : i + NGRAM] for i in range(max(1, len(text) - NGRAM + 1))}


def hojichar() -> Callable[[str], Iterable[Hashable]]:
    document = importlib.import_module("hojichar").Document
    lsh = importlib.import_module("hojichar.filters.deduplication").GenerateDedupLSH(num_bands=BANDS, band_size=ROWS)
    return lambda text: lsh.apply(document(text)).extras["dedup_lsh"]  # type: ignore[no-any-return]


def rensa() -> Callable[[str], Iterable[Hashable]]:
    peer = importlib.import_module("rensa").RMinHash

    def keys(text: str) -> Iterable[Hashable]:
        sketch = peer(num_perm=BANDS * ROWS, seed=42)
        sketch.update(list(ngrams(text)))
        return banded(sketch.digest())

    return keys


def datasketch() -> Callable[[str], Iterable[Hashable]]:
    prototype = importlib.import_module("datasketch").MinHash(num_perm=BANDS * ROWS)

    def keys(text: str) -> Iterable[Hashable]:
        sketch = prototype.copy()
        sketch.update_batch([ngram.encode() for ngram in ngrams(text)])
        return banded(sketch.hashvalues.tolist())

    return keys


def banded(digest: list[Any]) -> list[Hashable]:
    return [(band, tuple(digest[band * ROWS : (band + 1) * ROWS])) for band in range(BANDS)]


def clusters(keys: Iterable[Iterable[Hashable]]) -> int:
    parent: list[int] = []
    first: dict[Hashable, int] = {}

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for number, of_document in enumerate(keys):
        parent.append(number)
        for key in of_document:
            one, other = root(number), root(first.setdefault(key, number))
            parent[max(one, other)] = min(one, other)
    return sum(parent[i] == i for i in range(len(parent)))


PEERS = {"hojichar": hojichar, "rensa": rensa, "datasketch": datasketch}


def main(name: str, path: str, core: str) -> None:
    os.sched_setaffinity(0, {int(core)})
    texts = json.loads(Path(path).read_text(encoding="utf-8"))
    try:
        keys = PEERS[name]()
    except ImportError as error:
        print(json.dumps({"missing": str(error)}))
        return
    keys("あいうえおかきくけこ")
    began, cpu = time.perf_counter(), time.process_time()
    left = clusters(map(keys, texts))
    print(json.dumps({"wall": time.perf_counter() - began, "cpu": time.process_time() - cpu, "left": left}))


if __name__ == "__main__":
    main(*sys.argv[1:])
