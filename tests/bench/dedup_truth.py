"""How right dedup is: on all pairs of the labelled pages, and on made pairs of chosen similarity.

python -m tests.bench.dedup_truth [made pairs of each kind]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from stages.signatures.lsh import Shape, found
from tests.dedup_corpus import Document, dedup, partition
from tests.dedup_truth import BOUND, KINDS, SIMILARITIES, all_pairs, caught, exact, pages
from tests.runs import SHARED


def real() -> None:
    if not SHARED.is_dir():
        print(f"real pages passed over: the development data is not at {SHARED}")
        return
    texts = list(pages().values())
    with tempfile.TemporaryDirectory() as folder:
        part = partition(Path(folder), "p", [Document(f"{n}", text) for n, text in enumerate(texts)])
        done = dedup(Path(folder), [part])
    keep = np.array([done.rows[f"{n}"]["keep"] for n in range(len(texts))])
    pairs = all_pairs(texts)
    print(f"{len(texts)} pages, {sum(map(len, texts)):,} characters, {len(pairs.one):,} pairs with an n-gram in common")
    print("Jaccard      pairs   not both kept")
    for low, high in ((0.5, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 1.0), (1.0, 1.1), (BOUND, 1.1)):
        inside = (pairs.jaccard >= low) & (pairs.jaccard < high)
        gone = ~(keep[pairs.one] & keep[pairs.other])
        label = f"{low:.1f}" if low == 1 else f"{low:.1f} - {min(high, 1.0):.1f}"
        print(f"{label:10} {inside.sum():7} {gone[inside].mean() if inside.any() else 0:15.4f}")
    measured = [(len(texts[n]), _to_keeper(texts, done.rows, n)) for n in np.flatnonzero(~keep).tolist()]
    wrong = sum(size for size, alike in measured if alike < BOUND)
    least = min(alike for _, alike in measured)
    print(f"removed: {len(measured)} documents, {sum(size for size, _ in measured):,} characters")
    print(f"  less than {BOUND} like their keeper, measured anew: {wrong:,} characters; the least alike: {least:.4f}")
    print("  " + ", ".join(f"{name} {value}" for name, value in done.counters.items()))


def _to_keeper(texts: list[str], rows: dict[str, dict[str, object]], number: int) -> float:
    return exact(texts[number], texts[int(str(rows[f"{number}"]["keeper"]))])


def made(pairs: int) -> None:
    shape = Shape()
    print(f"\nmade pairs, {pairs} of each: share found by {shape.bands} x {shape.rows}, curve, deviation in errors")
    print("J     curve  " + "".join(f"{kind.__name__:>26}" for kind in KINDS))
    for j in SIMILARITIES:
        cells = [caught(kind, j, pairs) for kind in KINDS]
        row = "".join(f"{c.found / pairs:12.3f} {c.expected / pairs:.3f} {c.deviation:+.1f}  " for c in cells)
        print(f"{j:.1f} {found(j, shape):7.3f}   {row}")


if __name__ == "__main__":
    real()
    made(int(sys.argv[1]) if sys.argv[1:] else 500)
