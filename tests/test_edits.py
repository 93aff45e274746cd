from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.edits import apply, within_page


@pytest.mark.parametrize(
    ("extracted", "released"),
    [
        ("ﾊﾝｶｸｶﾞﾅとﾊﾟﾝ｡", "ハンカクガナとパン。"),
        ("ＡＢＣ１２３", "ABC123"),
        ("円周率は３．１４、人口は１，２３４人", "円周率は3.14、人口は1,234人"),
        ("か\u3099ぎ", "がぎ"),
        ("一\u200b行\ufeff", "一行"),
        ("段落\u3000\u3000です", "段落\u3000です"),
        ("行末 \u3000\r\n次の行", "行末\n次の行"),
        ("一\n\n\n \n二", "一\n\n二"),
        ("終わり \n", "終わり\n"),
    ],
)
def test_what_never_carries_meaning_is_folded(extracted: str, released: str) -> None:
    assert apply(extracted, within_page(extracted)) == released


@pytest.mark.parametrize(
    "text", ["①㈱㍻髙", "本当？！", "〜から～まで", "　字下げ", "👨\u200d👩\u200d👧", "  code", "一．はじめに"]
)
def test_what_carries_meaning_stays(text: str) -> None:
    assert within_page(text) == []


@given(st.text(alphabet=st.characters(categories=["Cc", "Cf", "Lo", "Nd", "Po", "Zs", "Mn"])))
def test_spans_are_sorted_disjoint_and_real(text: str) -> None:
    end = 0
    for start, stop, new in within_page(text):
        assert end <= start < stop <= len(text)
        assert text[start:stop] != new
        end = stop


@given(st.text(alphabet="ab", max_size=30), st.data())
def test_apply_equals_replacing_from_the_back(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6).map(lambda c: c[: len(c) // 2 * 2])))
    spans = [(a, b, "x" * (b - a + 1)) for a, b in zip(cuts[::2], cuts[1::2], strict=True)]
    expected = text
    for start, end, new in reversed(spans):
        expected = expected[:start] + new + expected[end:]
    assert apply(text, spans) == expected


@pytest.mark.parametrize("spans", [[(2, 3, ""), (1, 2, "")], [(0, 2, ""), (1, 3, "")], [(0, 9, "")]])
def test_apply_refuses_spans_that_cannot_be(spans: list[tuple[int, int, str]]) -> None:
    with pytest.raises(ValueError, match="out of order or outside"):
        apply("abc", spans)


@pytest.mark.parametrize("unit", [" ", "\u3000", "\n ", "１．", "ﾊﾞ"])
def test_a_megabyte_of_one_thing_takes_linear_time(unit: str) -> None:
    began = time.process_time()
    within_page(unit * (1_000_000 // len(unit)) + "。")
    assert time.process_time() - began < 5  # quadratic would take hours
