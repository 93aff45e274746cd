"""An index of what exists: bytes a document, speed of building and asking, and what is known of pairs of given similarity.

    python -m tests.bench.dedup_against [--documents 20000] [--characters 2000] [--pairs 500]

Speed is given against stage `minhash` over the same texts in the same run. Truth is the exact Jaccard similarity of character
5-grams; beside the compact signature (256 bytes) the same rule (3 standard errors above .8) on all 112 minima (448 bytes).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stages.base import MAIN, ROWS, Inputs, Part, SourceFile
from stages.indexes.compact import agreement, clear, compact, estimate, needed
from stages.indexes.compacts import Compacts
from stages.indexes.index import KEYS_OUTPUT, Index
from stages.indexes.known import Known
from stages.parquet import Rows, Writer
from stages.signatures.dedupkey import dedup_key
from stages.signatures.lsh import Shape, found
from stages.signatures.minhash import MinHashStage
from stages.signatures.minhash_kernel import distinct, jaccard, ngram_hashes, signature
from tests.dedup_corpus import Document, alike, partition, prose, run
from tests.dedup_truth import pages
from tests.runs import SHARED

BOUND, ERRORS = 0.8, 3.0


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    began = time.process_time()
    return work(), time.process_time() - began


def sized(folder: Path, texts: list[str], label: str) -> None:
    """Index these texts and ask it about all of them, half with a line more."""
    folder.mkdir()
    size, path = len(texts), folder / "texts.parquet"
    pq.write_table(pa.table({"id": [f"{n:032x}" for n in range(size)], "text": texts}), path)
    file = SourceFile(str(path), "00", path.stat().st_size)
    made = partition(folder, "p", [Document(f"{n}", t + prose(9, n) * (n % 2)) for n, t in enumerate(texts)])
    rows = {}
    for stage in ("extract", "edits", "verdict"):  # in the runner's row groups
        table = made.rows[stage].read()
        with Writer(folder / f"{stage}.parquet", table.schema, ROWS) as writer:
            writer.write(table)
        rows[stage] = Rows(str(folder / f"{stage}.parquet"), "", size)
    part = Part("p", "web", 0, rows)
    (signed, _), base = timed(lambda: run(MinHashStage(), Inputs(parts=(part,)), folder / "minhash"))
    (compacts, _), more = timed(lambda: run(Compacts(), Inputs(parts=(part,)), folder / "compact"))
    (index, _), built = timed(lambda: run(Index(id_column="id"), Inputs(file=file), folder / "index"))
    whole = Part("p", "web", 0, {**rows, "minhash": signed[MAIN], "compact": compacts[MAIN]})
    old = Part("i", "old", -1, {"index": index[MAIN], "index-keys": index[KEYS_OUTPUT]})
    (_, counters), asked = timed(lambda: run(Known(), Inputs(parts=(whole, old)), folder / "known"))
    bytes = {name: Path(rows.path).stat().st_size / size for name, rows in index.items()}
    print(f"{label}: {size:,} documents of {sum(map(len, texts)) / size:,.0f} characters")
    print(
        f"  index on disk       {sum(bytes.values()):7.1f} bytes a document: {bytes[KEYS_OUTPUT]:.1f} keys, {bytes[MAIN]:.1f} documents"
    )
    for what, seconds in (
        ("minhash (baseline)", base),
        ("compact", more),
        ("index, built", built),
        ("known, asked", asked),
    ):
        print(f"  {what:18} {size / seconds:9,.0f} documents/s a core, {seconds / base:5.2f} x minhash")
    print(f"  known: {counters['known.exact']:,} exactly, {counters['known.near']:,} nearly, of {size:,}")


def measured(pairs: int, length: int) -> None:
    """Shares of made pairs that are known, by each signature, and the true pairs among them."""
    shape = Shape()
    print(f"pairs of {length:,} characters: shares of {pairs} that are taken for known, by similarity")
    print("  Jaccard   bands find   compact 256 B   stated   all minima 448 B   standard errors of both")
    taken = wrong = 0
    for j in (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95):
        hashes = [
            [ngram_hashes(dedup_key(text), 5) for text in alike(j, length, 1000 * round(100 * j) + n)]
            for n in range(pairs)
        ]
        truth = np.array([jaccard(distinct(one), distinct(other)) for one, other in hashes])
        both = [np.array([compact(side[k], 512) for side in hashes]) for k in (0, 1)]
        full = [np.array([signature(side[k], 112, 1) for side in hashes]) for k in (0, 1)]
        agreed = agreement(*both)
        small = agreed.alike >= needed(agreed, BOUND, ERRORS)
        share = (full[0] == full[1]).mean(axis=1)
        large = share >= BOUND + ERRORS * np.sqrt(BOUND * (1 - BOUND) / 112)
        met = (full[0] == full[1]).reshape(pairs, shape.bands, shape.rows).all(axis=2).any(axis=1)
        stated = found(j, shape) * clear(j, round(float(agreed.filled.mean())), BOUND, ERRORS)
        errors = [np.sqrt(((each - truth) ** 2).mean()) for each in (estimate(agreed), share)]
        print(
            f"  {j:7.2f} {met.mean():12.3f} {(met & small).mean():15.3f} {stated:8.3f} {(met & large).mean():18.3f}"
            f"   {errors[0]:.4f} {errors[1]:.4f}"
        )
        taken += int((met & small).sum())
        wrong += int((met & small & (truth < BOUND)).sum())
    print(f"  {taken} taken for known, {wrong} of them under {BOUND}: precision {1 - wrong / max(taken, 1):.4f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--characters", type=int, default=2_000)
    parser.add_argument("--pairs", type=int, default=500)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sized(folder / "warm", [prose(300, n) for n in range(20)], "compiling")
        made = [prose(options.characters, n) for n in range(options.documents)]
        sized(folder / "made", made, "made")
        if SHARED.is_dir():
            sized(folder / "real", list(pages().values()), "real pages")
    for length in (300, 2_000, 10_000):
        measured(options.pairs, length)


if __name__ == "__main__":
    main()
