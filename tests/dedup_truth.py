"""What dedup is judged by: the exact similarity of all pairs of real pages, and made pairs of a chosen similarity."""

from __future__ import annotations

import csv
import functools
import random
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from stages.caps import Caps, TooMuch
from stages.charset import charset
from stages.html import extract
from stages.signatures.dedupkey import dedup_key
from stages.signatures.lsh import Shape, band_keys, found
from stages.signatures.minhash_kernel import distinct, ngram_hashes, signature
from stages.warc.warc import Record, read
from tests.dedup_corpus import prose, similarity
from tests.runs import SHARED

NGRAM, BOUND = 5, 0.8


@functools.cache
def pages() -> Mapping[str, str]:
    """URL -> extracted text of each labelled Japanese page whose text is not empty. Some 15 s."""
    with (SHARED / "LABELS.tsv").open(encoding="utf-8") as file:
        labelled = {row["url"] for row in csv.DictReader(file, delimiter="\t") if row["is_ja"] == "1"}
    texts: dict[str, str] = {}
    for record in read(str(SHARED / "web-ja.warc.gz"), "fastwarc"):
        if isinstance(record, Record) and record.url in labelled and record.url not in texts:
            encoding = charset.gate(record.body)
            if not encoding:
                continue
            try:
                text = extract(charset.decode(record.body, encoding).text, Caps()).text
            except TooMuch:
                continue
            if text:
                texts[record.url] = text
    return texts


class Pairs(NamedTuple):
    """All pairs that have an n-gram in common: numbers of the documents, one < other, and how alike they are."""

    one: npt.NDArray[np.int64]
    other: npt.NDArray[np.int64]
    jaccard: npt.NDArray[np.float64]


def all_pairs(texts: Sequence[str]) -> Pairs:
    """Exact Jaccard similarity of every pair. Two keys too short for an n-gram are not compared."""
    sets = [distinct(ngram_hashes(dedup_key(text), NGRAM)) for text in texts]
    _, columns = np.unique(np.concatenate(sets), return_inverse=True)
    sizes = np.array([len(each) for each in sets])
    rows = np.repeat(np.arange(len(sets)), sizes)
    matrix = csr_matrix((np.ones(len(rows), dtype=np.int32), (rows, columns)))
    common = (matrix @ matrix.T).tocoo()
    upper = common.row < common.col
    one, other = common.row[upper].astype(np.int64), common.col[upper].astype(np.int64)
    return Pairs(one, other, common.data[upper] / (sizes[one] + sizes[other] - common.data[upper]))


def edits(alike: float, length: int, rng: random.Random) -> tuple[str, str]:
    """Single characters replaced here and there: each costs up to 5 n-grams on both sides."""
    text = prose(length, rng.randrange(1 << 40))
    common = 2 * alike / (1 + alike)  # share of each side's n-grams
    changed = [c if rng.random() >= 1 - common ** (1 / NGRAM) else prose(1, rng.randrange(1 << 40)) for c in text]
    return text, "".join(changed)


def reordered(alike: float, length: int, rng: random.Random) -> tuple[str, str]:
    """Paragraphs in another order: what spans a border is lost on both sides."""
    per = round((NGRAM - 1) / (1 - 2 * alike / (1 + alike)))
    paragraphs = [prose(per, rng.randrange(1 << 40)) for _ in range(length // per)]
    return "\n".join(paragraphs), "\n".join(rng.sample(paragraphs, len(paragraphs)))


def template(alike: float, length: int, rng: random.Random) -> tuple[str, str]:
    """The same frame with names of 8 characters of its own on each side."""
    per = round((8 + NGRAM - 1) / (1 - 2 * alike / (1 + alike)))
    frame = [prose(per - 8, rng.randrange(1 << 40)) for _ in range(length // per)]
    one, other = ("".join(part + prose(8, rng.randrange(1 << 40)) for part in frame) for _ in range(2))
    return one, other


def quotation(alike: float, length: int, rng: random.Random) -> tuple[str, str]:
    """One text whole inside a longer one."""
    quoted = prose(round(length * alike), rng.randrange(1 << 40))
    before = rng.randrange(length - len(quoted) + 1)
    around = prose(length - len(quoted), rng.randrange(1 << 40))
    return quoted, around[:before] + quoted + around[before:]


KINDS: tuple[Callable[[float, int, random.Random], tuple[str, str]], ...] = (edits, reordered, template, quotation)
SIMILARITIES = (0.5, 0.6, 0.7, 0.8, 0.9)


class Caught(NamedTuple):
    """Of `pairs` made pairs: how alike they are on average, how many shared a band, and how many are expected to."""

    pairs: int
    similarity: float
    found: int
    expected: float
    error: float  # standard error of the number found: each pair is a draw of its own probability

    @property
    def deviation(self) -> float:
        """In standard errors."""
        return (self.found - self.expected) / self.error


def caught(kind: Callable[..., tuple[str, str]], alike: float, pairs: int, length: int = 1000, seed: int = 1) -> Caught:
    """Each pair has permutations of its own: with the same for all, chance would be common to all."""
    shape, rng = Shape(), random.Random(f"{kind.__name__} {alike} {seed}")
    hits, alikes = 0, []
    for number in range(pairs):
        texts = kind(alike, length, rng)
        alikes.append(similarity(*texts))
        signed = [
            signature(ngram_hashes(dedup_key(t), NGRAM), shape.bands * shape.rows, number % 64 + 1) for t in texts
        ]
        one, other = band_keys(np.array(signed), shape)
        hits += bool((one == other).any())
    chances = np.array([found(each, shape) for each in alikes])
    error = float(np.sqrt((chances * (1 - chances)).sum()))
    return Caught(pairs, float(np.mean(alikes)), hits, float(chances.sum()), error)


def exact(one: str, other: str) -> float:
    """Jaccard similarity measured anew, by Python's own sets of strings."""
    a, b = (_ngrams(dedup_key(text)) for text in (one, other))
    return len(a & b) / len(a | b) if a | b else 1.0


def _ngrams(key: npt.NDArray[np.uint32]) -> set[tuple[int, ...]]:
    codes = key.tolist()
    return set(zip(*(codes[n:] for n in range(NGRAM)), strict=False))
