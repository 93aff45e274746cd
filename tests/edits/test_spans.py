from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.spans import Span, apply, compose

_TEXT = st.text(alphabet="abc", max_size=30)


def spans_of(text: str, data: st.DataObject) -> list[Span]:
    """Any spans that replace something."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8, unique=True)))
    pairs = [pair for pair in pairwise(cuts) if data.draw(st.booleans())]
    return [(start, end, data.draw(st.sampled_from(["", "x", "yz", "uvw"]))) for start, end in pairs]


@given(_TEXT, st.data())
def test_apply_equals_replacing_from_the_back(text: str, data: st.DataObject) -> None:
    spans = spans_of(text, data)
    expected = text
    for start, end, new in reversed(spans):
        expected = expected[:start] + new + expected[end:]
    assert apply(text, spans) == expected


@pytest.mark.parametrize("spans", [[(2, 3, ""), (1, 2, "")], [(0, 2, ""), (1, 3, "")], [(0, 9, "")]])
def test_apply_refuses_spans_that_cannot_be(spans: list[Span]) -> None:
    with pytest.raises(ValueError, match="out of order or outside"):
        apply("abc", spans)


@given(_TEXT, st.data())
def test_composed_spans_do_both_at_once(text: str, data: st.DataObject) -> None:
    first = spans_of(text, data)
    between = apply(text, first)
    second = spans_of(between, data)
    both = compose(first, second)
    assert apply(text, both) == apply(between, second)
    assert all(start < end for start, end, _ in both)
    assert all(before[1] <= after[0] for before, after in pairwise(both))


def test_composing_leaves_apart_what_is_apart() -> None:
    assert compose([(1, 2, ""), (8, 9, "xy")], [(4, 5, "z")]) == [(1, 2, ""), (5, 6, "z"), (8, 9, "xy")]
    assert compose([(1, 2, "")], []) == [(1, 2, "")]
    assert compose([], [(1, 2, "")]) == [(1, 2, "")]


def test_a_change_of_a_change_is_one() -> None:
    assert compose([(1, 2, "vwx")], [(2, 3, "y")]) == [(1, 2, "vyx")]
    assert compose([(1, 2, "vwx")], [(1, 2, "a"), (3, 4, "c")]) == [(1, 2, "awc")]
    assert compose([(0, 1, ""), (2, 3, "vwx")], [(1, 2, "a")]) == [(0, 1, ""), (2, 3, "awx")]
