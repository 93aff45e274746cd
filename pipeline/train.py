"""Training of `filters.classifier`: logistic regression, scores on documents that it has not seen, calibration from them.

Everything follows from the documents and their order: the same files give the same model.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from scipy import optimize, sparse

from filters.classifier import BUCKETS, Classifier, features
from filters.text import Text
from pipeline.errors import UsageError
from stages.signatures.dedupkey import dedup_key
from stages.signatures.minhash_kernel import ngram_hashes, signature

FOLDS = 5
RARE = 3  # documents that a bucket must occur in: AUC .818 with 1, .824 with 2, .826 with 3 on 1,112 labelled pages
STRENGTH = 10.0  # inverse of the regularisation; 3 to 30 differ by .005
_BANDS, _ROWS = 14, 8  # of `bands`: what it would compare stays in one fold

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Held:
    """Scores on documents of the fold that was left out."""

    good: int
    bad: int
    groups: int  # of documents that are no near-duplicates of each other
    auc: float
    balanced_accuracy: float  # at a probability of 0.5
    calibration_error: float  # mean distance of ten bins' mean probability from their share of good documents


def documents(path: Path, column: str) -> Iterator[str]:
    """Texts of a JSON-lines file (plain, .gz, .zst), a Parquet file, or a folder of Parquet files. Raises UsageError."""
    if path.is_dir() or path.suffix == ".parquet":
        yield from _of_parquet(path, column)
        return
    try:
        with pa.input_stream(str(path), compression="detect") as stream, BufferedReader(stream) as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield _text(json.loads(line), column, f"{path} line {number}")
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file; give JSON lines, Parquet, or a folder of Parquet files") from None
    except (json.JSONDecodeError, UnicodeDecodeError, OSError) as error:
        raise UsageError(f"{path}: not readable as JSON lines: {error}") from None


def _of_parquet(path: Path, column: str) -> Iterator[str]:
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    if not files:
        raise UsageError(f"{path}: no Parquet file in this folder")
    for file in files:
        try:
            with pq.ParquetFile(file) as opened:
                if column not in opened.schema_arrow.names:
                    raise UsageError(f"{file}: no column {column!r}; name one with --text-column")
                for batch in opened.iter_batches(columns=[column]):
                    yield from (text for text in batch[column].to_pylist() if text)
        except (pa.ArrowInvalid, OSError) as error:
            raise UsageError(f"{file}: not readable as Parquet: {error}") from None


def _text(row: object, column: str, where: str) -> str:
    value = row.get(column) if isinstance(row, dict) else None
    if not isinstance(value, str):
        raise UsageError(f"{where}: no text in {column!r}; name its column with --text-column")
    return value


def train(good: Sequence[str], bad: Sequence[str]) -> tuple[Classifier, Held]:
    """Raises UsageError where either kind has fewer than 20 documents or they are too few to be told apart by folds."""
    if min(len(good), len(bad)) < 20:
        raise UsageError(f"{len(good)} good and {len(bad)} bad documents; at least 20 of each are needed")
    texts, label = [*good, *bad], np.repeat([1.0, 0.0], [len(good), len(bad)])
    table, group = matrix(texts), groups(texts)
    fold = np.array([_fold(number) for number in range(int(group.max()) + 1)])[group]
    held = np.zeros(len(texts))
    for out in range(FOLDS):
        inside = fold != out
        if len(np.unique(label[inside])) < 2 or inside.all():
            raise UsageError("nearly all documents are alike: they cannot be parted into folds")
        held[~inside] = logits(fit(table[inside], label[inside]), table[~inside])
    scale, shift = calibration(held, label)
    final = fit(table, label)
    probability = 1 / (1 + np.exp(-(scale * held + shift)))
    kept = probability > 0.5
    balanced = (kept[label == 1].mean() + (~kept[label == 0]).mean()) / 2
    scores = Held(
        len(good), len(bad), int(group.max()) + 1, auc(held, label), float(balanced), expected_error(probability, label)
    )
    return Classifier(final.idf, final.weight, final.bias, scale, shift), scores


def matrix(texts: Sequence[str]) -> sparse.csr_matrix:
    """(texts, BUCKETS) of log counts."""
    rows = [features(Text(text)) for text in texts]
    starts = np.cumsum([0, *(len(buckets) for buckets, _ in rows)])
    buckets, values = (np.concatenate(column) for column in zip(*rows, strict=True))
    return sparse.csr_matrix((values.astype(np.float64), buckets, starts), shape=(len(texts), BUCKETS))


def fit(table: sparse.csr_matrix, label: Floats) -> Classifier:
    """Logistic regression with L2 regularisation, by L-BFGS over the buckets that occur often enough."""
    seen = np.bincount(table.indices, minlength=BUCKETS)
    used = np.flatnonzero(seen >= min(RARE, len(label)))
    idf = np.zeros(BUCKETS, np.float32)
    idf[used] = np.log((1 + len(label)) / (1 + seen[used])) + 1
    weighted = _normed(table[:, used] @ sparse.diags(idf[used].astype(np.float64)))
    sign, across = 2 * label - 1, weighted.T.tocsr()

    def loss(point: Floats) -> tuple[float, Floats]:
        margin = sign * (weighted @ point[:-1] + point[-1])
        slope = -STRENGTH * sign / (1 + np.exp(np.clip(margin, -500, 500)))
        value = STRENGTH * np.logaddexp(0, -margin).sum() + 0.5 * point[:-1] @ point[:-1]
        return float(value), np.append(across @ slope + point[:-1], slope.sum())

    found = optimize.minimize(loss, np.zeros(len(used) + 1), jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
    weight = np.zeros(BUCKETS, np.float32)
    weight[used] = found[:-1]
    return Classifier(idf, weight, float(found[-1]))


def logits(model: Classifier, table: sparse.csr_matrix) -> Floats:
    """The same as `Classifier.logit` of each row."""
    weighted = _normed(table @ sparse.diags(model.idf.astype(np.float64)))
    return np.asarray(weighted @ model.weight.astype(np.float64) + model.bias, np.float64)


def _normed(table: sparse.csr_matrix) -> sparse.csr_matrix:
    length = np.sqrt(np.asarray(table.multiply(table).sum(axis=1)).ravel())
    return (sparse.diags(1 / np.maximum(length, 1e-12)) @ table).tocsr()


def calibration(logit: Floats, label: Floats) -> tuple[float, float]:
    """Scale and shift of Platt (1999), with his smoothed targets; never a falling slope."""
    good, bad = label.sum(), (1 - label).sum()
    target = np.where(label == 1, (good + 1) / (good + 2), 1 / (bad + 2))

    def loss(point: Floats) -> float:
        z = point[0] * logit + point[1]
        return float((np.logaddexp(0, z) - target * z).sum())

    scale, shift = optimize.minimize(loss, np.array([1.0, 0.0]), method="L-BFGS-B").x.tolist()
    return max(scale, 1e-3), shift


def auc(score: Floats, label: Floats) -> float:
    """Probability that a good document scores above a bad one, ties half."""
    order = np.argsort(score, kind="stable")
    _, first, count = np.unique(score[order], return_index=True, return_counts=True)
    rank = np.empty(len(score))
    rank[order] = np.repeat(first + (count + 1) / 2, count)
    good = label.sum()
    return float((rank[label == 1].sum() - good * (good + 1) / 2) / (good * (len(label) - good)))


def expected_error(probability: Floats, label: Floats) -> float:
    bins = np.minimum((probability * 10).astype(int), 9)
    distances = [(b, abs(probability[bins == b].mean() - label[bins == b].mean())) for b in np.unique(bins)]
    return float(sum((bins == b).mean() * distance for b, distance in distances))


def groups(texts: Sequence[str]) -> NDArray[np.int64]:
    """A number for each text, from 0: the same where they share a band of MinHash, also in a chain."""
    parent = list(range(len(texts)))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    first: dict[tuple[int, bytes], int] = {}
    for number, text in enumerate(texts):
        key = dedup_key(text)
        hashes = ngram_hashes(key, 5)
        signed = (
            signature(hashes, _BANDS * _ROWS, 1)
            if len(hashes)
            else np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        )
        for band in range(_BANDS):
            content = signed[band * _ROWS : (band + 1) * _ROWS].tobytes() if len(hashes) else signed.tobytes()
            other = first.setdefault((band, content), number)
            parent[root(number)] = root(other)
    return np.unique([root(number) for number in range(len(texts))], return_inverse=True)[1].astype(np.int64)


def _fold(group: int) -> int:
    return hashlib.blake2b(str(group).encode(), digest_size=4).digest()[0] % FOLDS
