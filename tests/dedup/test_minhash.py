from __future__ import annotations

import math
import random
from pathlib import Path

import numpy as np
import pytest
from datasketch import MinHash
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.base import MAIN, Inputs
from stages.signatures.dedupkey import dedup_key
from stages.signatures.lsh import Shape, band_keys, exact_keys, found, shape_for_recall, shape_for_threshold, sketch
from stages.signatures.minhash import MinHashStage
from stages.signatures.minhash_kernel import distinct, jaccard, ngram_hashes, signature
from tests.dedup_corpus import Document, partition, prose, run

KANA = st.text("あいうえおん", max_size=60)


def naive_hash(ngram: str) -> int:
    """The n-gram hash in Python integers."""
    hash = 0
    for char in ngram:
        hash = (hash * 0x9E3779B97F4A7C15 + ord(char)) % 2**64
    hash = (hash ^ (hash >> 33)) * 0xFF51AFD7ED558CCD % 2**64
    return hash ^ (hash >> 29)


def ngrams(text: str, n: int) -> list[str]:
    return [text[i : i + n] for i in range(len(text) - n + 1)]


@settings(deadline=None)  # the first example compiles the kernel
@given(KANA, st.integers(1, 9))
def test_ngram_hashes_are_those_of_every_window(text: str, n: int) -> None:
    assert ngram_hashes(dedup_key(text), n).tolist() == [naive_hash(ngram) for ngram in ngrams(text, n)]


@settings(max_examples=60, deadline=None)
@given(st.integers(5, 5000), st.sampled_from([1, 16, 112, 256]), st.sampled_from([1, 7]), st.integers(1, 8))
def test_signature_equals_datasketch_bit_for_bit(length: int, count: int, seed: int, n: int) -> None:
    hashes = ngram_hashes(dedup_key(prose(length + n, length)), n)
    oracle = MinHash(num_perm=count, seed=seed, scheme="affine32", hashfunc=int)
    oracle.update_batch((hashes >> np.uint64(32)).tolist())
    assert signature(hashes, count, seed).tolist() == oracle.hashvalues.tolist()


def test_no_ngram_no_signature() -> None:
    with pytest.raises(ValueError, match="shorter than an n-gram"):
        signature(ngram_hashes(dedup_key("短い"), 5), 112, 1)


@settings(deadline=None)  # the first example compiles the kernel
@given(KANA, KANA, st.integers(1, 5))
def test_jaccard_is_that_of_the_sets(one: str, other: str, n: int) -> None:
    a, b = set(ngrams(one, n)), set(ngrams(other, n))
    expected = len(a & b) / len(a | b) if a | b else 1.0
    hashed = [distinct(ngram_hashes(dedup_key(text), n)) for text in (one, other)]
    assert jaccard(*hashed) == jaccard(*reversed(hashed)) == expected


def test_catch_curve_is_the_published_formula() -> None:
    assert found(0.8, Shape(14, 8)) == pytest.approx(1 - (1 - 0.8**8) ** 14)
    assert [round(found(j, Shape(14, 8)), 3) for j in (0.7, 0.8, 0.9)] == [0.565, 0.924, 1.0]


def test_band_keys_catch_what_the_curve_says() -> None:
    """Signatures whose rows agree with probability J, as those of a pair with that similarity do."""
    rng = np.random.default_rng(0)
    shape, pairs = Shape(14, 8), 4000
    one = rng.integers(0, 2**32, (pairs, 112), dtype=np.uint32)
    for j in (0.5, 0.7, 0.8, 0.9):
        other = np.where(rng.random(one.shape) < j, one, rng.integers(0, 2**32, one.shape, dtype=np.uint32))
        caught = (band_keys(one, shape) == band_keys(other, shape)).any(axis=1).mean()
        p = found(j, shape)
        assert abs(caught - p) < 4 * math.sqrt(p * (1 - p) / pairs) + 1e-3


def test_equal_rows_in_different_bands_do_not_meet() -> None:
    same = np.full((1, 112), 7, dtype=np.uint32)
    assert len(set(band_keys(same, Shape(14, 8))[0].tolist())) == 14


def test_exact_keys_have_a_key_space_of_their_own() -> None:
    words = np.arange(4, dtype=np.uint32)[None]
    assert exact_keys(words)[0] not in band_keys(words, Shape(1, 4))


def test_shape_for_recall_is_the_strictest_that_reaches_it() -> None:
    shape = shape_for_recall(0.92, 0.8, 112)
    assert shape == Shape(14, 8)
    assert found(0.8, Shape(112 // 9, 9)) < 0.92
    with pytest.raises(ValueError, match="no shape of 1 permutations"):
        shape_for_recall(0.9, 0.5, 1)


def test_shape_for_threshold_is_datasketchs_choice() -> None:
    assert shape_for_threshold(0.8, 128) == Shape(9, 13)


def test_bands_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="15 bands of 8 rows do not fit 112"):
        band_keys(np.zeros((1, 112), np.uint32), Shape(15, 8))


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_sketches_estimate_jaccard_within_their_stated_error(bits: int) -> None:
    rng = np.random.default_rng(bits)
    one = rng.integers(0, 2**32, (2000, 112), dtype=np.uint32)
    other = np.where(rng.random(one.shape) < 0.8, one, rng.integers(0, 2**32, one.shape, dtype=np.uint32))
    cells = [np.unpackbits(sketch(s, bits), axis=1)[:, : 112 * bits].reshape(2000, 112, bits) for s in (one, other)]
    chance = 2.0**-bits
    estimate = ((cells[0] == cells[1]).all(axis=2).mean(axis=1) - chance) / (1 - chance)
    m = 0.8 + 0.2 * chance
    assert abs(estimate.mean() - 0.8) < 0.01
    assert estimate.std() == pytest.approx(math.sqrt(m * (1 - m) / 112) / (1 - chance), rel=0.1)


def test_rows_align_and_only_kept_documents_take_part(tmp_path: Path) -> None:
    text = prose(300, 1)
    documents = [
        Document("rejected", text, keep=False),
        Document("kept", text),
        Document("short", "短い。"),
        Document("edited", "前置き" + text, edits=((0, 3, ""),)),
    ]
    part = partition(tmp_path, "p", documents)
    rejected, kept, short, edited = part.rows["minhash"].read().to_pylist()
    assert rejected == {"signature": None, "exact": None, "shingles": 0, "characters": 0}
    assert (kept["shingles"], kept["characters"], len(kept["signature"])) == (296, 300, 448)
    assert kept["signature"] == signature(ngram_hashes(dedup_key(text), 5), 112, 1).astype("<u4").tobytes()
    assert (short["signature"], short["shingles"], short["characters"]) == (None, 0, 3)
    assert len(short["exact"]) == 16
    assert edited == kept


def test_layout_counts_as_nothing_and_a_dakuten_as_much(tmp_path: Path) -> None:
    def measured(name: str, text: str) -> dict[str, object]:
        return dict(
            partition(tmp_path, name, [Document("d", text)]).rows["minhash"].read(("signature", "exact")).to_pylist()[0]
        )

    assert measured("a", "バスがきたのでのった。") == measured(
        "b", "ﾊﾞｽが、\n来た".replace("来", "き") + "ので乗った".replace("乗", "の")
    )
    assert measured("c", "バスがきたのでのった。") != measured("d", "パスがきたのでのった。")


@settings(max_examples=20, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), max_size=5))
def test_any_text_has_an_exact_hash(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    folder = tmp_path_factory.mktemp("any")
    part = partition(folder, "p", [Document(str(i), text) for i, text in enumerate(texts)], permutations=8)
    rows = part.rows["minhash"].read().to_pylist()
    assert len(rows) == len(texts)
    assert all(row["exact"] is not None and (row["signature"] is None) == (row["shingles"] == 0) for row in rows)


def test_counters_tell_how_many_take_part(tmp_path: Path) -> None:
    part = partition(
        tmp_path, "p", [Document("a", "とても長い文書"), Document("b", "短"), Document("c", "否", keep=False)]
    )
    written, counters = run(MinHashStage(), Inputs(parts=(part,)), tmp_path / "again")
    assert counters == {"participants": 2, "signed": 1}
    assert written[MAIN].rows == 3


def test_estimate_is_unbiased() -> None:
    rng = random.Random(0)
    estimates = []
    for seed in range(60):
        head = prose(400, seed)
        pair = [head + prose(100, rng.randrange(2**31)) for _ in range(2)]
        hashes = [ngram_hashes(dedup_key(text), 5) for text in pair]
        one, other = (signature(h, 112, 1) for h in hashes)
        estimates.append((one == other).mean() - jaccard(distinct(hashes[0]), distinct(hashes[1])))
    assert abs(np.mean(estimates)) < 4 * 0.045 / math.sqrt(60)
