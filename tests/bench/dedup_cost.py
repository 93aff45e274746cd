"""What dedup costs at other sizes: measured seconds and bytes a document, scaled, and the reads of a real run."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from stages.base import ROWS as GROUP
from stages.base import Part
from stages.parquet import Rows, Writer
from stages.signatures.dedupkey import dedup_key
from stages.signatures.minhash_kernel import distinct, jaccard, ngram_hashes
from tests.bench.minhash import LETTERS
from tests.dedup_corpus import Document, partition

CHARACTERS, ROWS = 2000, 2000
KEYS = 16  # of a document: 14 bands, the exact hash, the id


def reading() -> dict[str, float]:
    """Seconds of a real run that made documents do not show, on Parquet files as the runner writes them.

    `sidecars`: ids, dates, hashes and signatures of one document, read in passing. `text`: one text of 2,000 characters
    that lies alone in its row group of 1,000, the worst case of verification. `compare`: n-grams and Jaccard of a pair.
    """
    with tempfile.TemporaryDirectory() as folder:
        rng = random.Random(0)
        texts = ["".join(rng.choices(LETTERS, k=CHARACTERS)) for _ in range(ROWS)]
        part = partition(Path(folder), "p", [Document(f"{n}", text) for n, text in enumerate(texts)])
        part = _by_thousands(part, Path(folder))
        list(part.groups({"extract": ("id",), "minhash": ("exact",)}))  # opens the files once
        began = time.perf_counter()
        columns = {"extract": ("id", "date"), "minhash": ("exact", "shingles", "characters", "signature")}
        for _ in range(5):
            list(part.groups(columns))
        sidecars = (time.perf_counter() - began) / (5 * ROWS)
        began = time.perf_counter()
        for row in range(20):
            part.rows["extract"].take(np.array([row * 100]), ("text",))
            part.rows["edits"].take(np.array([row * 100]), ("edits",))
        text = (time.perf_counter() - began) / 20
        began = time.perf_counter()
        for one, other in zip(texts[:50], texts[50:100], strict=True):
            jaccard(*(distinct(ngram_hashes(dedup_key(each), 5)) for each in (one, other)))
        compare = (time.perf_counter() - began) / 50
    return {"sidecars": sidecars, "text": text, "compare": compare}


def _by_thousands(part: Part, folder: Path) -> Part:
    """The same partition in row groups as the runner cuts them."""
    rows = {}
    for stage, made in part.rows.items():
        path, table = folder / f"{stage}.parquet", made.read()
        with Writer(path, table.schema, GROUP) as writer:
            writer.write(table)
        rows[stage] = Rows(str(path), "", table.num_rows)
    return Part(part.id, part.source, part.rank, rows)


def model(
    size: int, seconds: Mapping[str, float], disk: float, counters: Mapping[str, int], real: Mapping[str, float]
) -> None:
    """Prints the cost of one document and what it comes to for more of them.

    `seconds` by phase and `disk` in bytes a document are those of a run over `size` documents. Linear in the number of
    documents: a sort's logarithm is paid by more key ranges, not by longer ones.
    """
    texts = 2 * counters["compared.text"] / size
    bands = seconds["bands"] / size
    dedup = seconds["all of dedup"] / size + real["sidecars"]
    verification = texts * real["text"] + texts / 2 * real["compare"]
    print(f"\ncost of a document on one core, {texts:.4f} texts of {CHARACTERS} characters read for each:")
    print(f"  bands                        {bands * 1e6:8.2f} us, {bands / KEYS * 1e9:.0f} ns a key")
    print(
        f"  components to keepers        {dedup * 1e6:8.2f} us, {real['sidecars'] * 1e6:.2f} of them reading sidecars"
    )
    print(f"  texts for verification       {verification * 1e6:8.2f} us, {real['text'] * 1e3:.2f} ms to read one,")
    print(f"                                        {real['compare'] * 1e3:.2f} ms to compare two")
    print(f"  disk                         {disk:8.0f} bytes, {disk / KEYS:.1f} a key")
    print("documents   bands, 50 cores   dedup as built, 1 core   if ranges and blocks lay on 50 cores   disk")
    for n in (10**9, 10**10):
        alone = (dedup + verification) * n
        print(
            f"{n:9.0e} {bands * n / 50 / 60:11.1f} min {alone / 3600:20.1f} h {alone / 50 / 3600:32.1f} h"
            f" {disk * n / 1e12:14.2f} TB"
        )
