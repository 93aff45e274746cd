"""Compact signatures: what they estimate, how far they err, and what counts as clearly alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.indexes.compact import FEWEST, VALUES, Agreement, agreement, check_bins, clear, compact, estimate, needed

hashes = st.lists(st.integers(0, 2**64 - 2), max_size=300)


def packed(values: list[int], bins: int) -> np.ndarray:
    return compact(np.array(values, dtype=np.uint64), bins).reshape(1, -1)


def cells(values: list[int], bins: int) -> list[int]:
    """The slow way: 0 for an empty bin."""
    width = 2**64 // bins
    least = [min((v for v in values if v // width == b), default=None) for b in range(bins)]
    return [0 if value is None else 1 + value % 2**32 % VALUES for value in least]


@given(hashes, hashes, st.sampled_from([2, 64, 512]))
@settings(max_examples=40, deadline=None)
def test_agreement_is_that_of_bins_one_by_one(one: list[int], other: list[int], bins: int) -> None:
    other = other + one[: len(one) // 2]
    a, b = cells(one, bins), cells(other, bins)
    assert np.array_equal(packed(one, bins)[0], np.array(a[0::2]) * 16 + np.array(a[1::2]))
    found = agreement(packed(one, bins), packed(other, bins))
    assert found.filled[0] == sum(x > 0 or y > 0 for x, y in zip(a, b, strict=True))
    assert found.both[0] == sum(x > 0 and y > 0 for x, y in zip(a, b, strict=True))
    assert found.alike[0] == sum(x > 0 and x == y for x, y in zip(a, b, strict=True))


def pairs(jaccard: float, size: int, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Signatures of pairs of sets of `size` random hashes each, of this Jaccard similarity."""
    rng = np.random.default_rng(seed)
    common = round(2 * jaccard * size / (1 + jaccard))
    made = rng.integers(0, 2**64, (count, 2 * size - common), dtype=np.uint64)
    one = [compact(row[:size], 512) for row in made]
    other = [compact(np.append(row[:common], row[size:]), 512) for row in made]
    return np.array(one), np.array(other)


@pytest.mark.parametrize("jaccard", [0.5, 0.8, 0.95])
@pytest.mark.parametrize("size", [150, 1000, 5000])
def test_the_estimate_is_right_on_average_and_errs_no_more_than_stated(jaccard: float, size: int) -> None:
    agreed = agreement(*pairs(jaccard, size, 400, size))
    found = estimate(agreed)
    expected = jaccard + (1 - jaccard) / VALUES
    error = np.sqrt(expected * (1 - expected) / agreed.filled.mean()) / (1 - 1 / VALUES)
    assert found.mean() == pytest.approx(jaccard, abs=4 * error / 20)
    assert found.std() <= 1.1 * error


def test_a_pair_on_the_bound_is_not_taken_and_one_clearly_above_is() -> None:
    shares = []
    for jaccard in (0.75, 0.8, 0.85, 0.88, 0.95):
        found = agreement(*pairs(jaccard, 1000, 600, int(jaccard * 100)))
        shares.append(float((found.alike >= needed(found, 0.8, 3.0)).mean()))
        # Errors are a little smaller than stated, as bins are drawn without replacement: the curve is steeper.
        stated = clear(jaccard, round(float(found.filled.mean())), 0.8, 3.0)
        assert shares[-1] <= stated + 0.03 if stated < 0.5 else shares[-1] >= stated - 0.03
    assert shares == sorted(shares)
    assert shares[0] == 0 and shares[1] <= 0.005 and shares[-1] == 1


def test_too_few_bins_prove_nothing() -> None:
    filled = np.array([FEWEST - 1, FEWEST, 512])
    least = needed(Agreement(filled, filled, filled), 0.8, 3.0)
    assert least[0] == np.inf and least[1] <= FEWEST and least[2] < 512
    # Bounds that so few bins cannot clear ask for all of them.
    few = np.array([FEWEST])
    assert needed(Agreement(few, few, few), 0.95, 3.0)[0] == FEWEST
    assert clear(1.0, 512, 0.8, 3.0) == 1.0 and clear(0.5, 512, 0.8, 3.0) < 1e-9


@pytest.mark.parametrize("bins", [0, 32, 100, 513])
def test_bins_are_a_power_of_two(bins: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        check_bins(bins, "bins")
