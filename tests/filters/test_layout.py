"""Lines and what stands in them: the compiled pass against regular expressions."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from filters.chars import CLASS_OF
from filters.counting import repeated
from filters.text import Text

STOP = re.compile(r"[。｡．！？!?](?![0-9A-Za-z０-９Ａ-Ｚａ-ｚ])|(?<=[ぁ-ゖァ-ヺー一-鿿])\.(?![0-9A-Za-z.])")
JAPANESE = re.compile("[ぁ-ゖァ-ヺー一-鿿]")
texts = st.lists(st.sampled_from([*"あア漢ーa1１。．.！!? \u3000\t\n\n…"]), max_size=60).map("".join)


@given(texts)
@settings(deadline=None, max_examples=300)
def test_layout_equals_its_plain_twin(text: str) -> None:
    found = Text(text).layout
    lines = [line for line in map(str.strip, text.split("\n")) if line]
    assert [text[start:end] for start, end in zip(found.start, found.end, strict=True)] == lines
    assert found.characters == sum(map(len, lines))
    assert found.stops.tolist() == [len(STOP.findall(line)) for line in lines]
    assert found.kuten.tolist() == [len(re.findall("[。｡．]", line)) for line in lines]
    assert found.japanese.tolist() == [len(JAPANESE.findall(line)) for line in lines]
    assert found.digits.tolist() == [len(re.findall("[0-9０-９]", line)) for line in lines]
    spaced = [
        sum(
            a in "あア漢ー" and b in " \u3000\t" and c in "あア漢ー"
            for a, b, c in zip(line, line[1:], line[2:], strict=False)
        )
        for line in lines
    ]
    assert found.spaced.tolist() == spaced


@given(st.text(max_size=80))
@settings(deadline=None)
def test_layout_takes_any_text(text: str) -> None:
    found = Text(text).layout
    assert found.share(found.length >= 0) in (0.0, 1.0)
    assert len(CLASS_OF) == 0x110000


@given(texts)
@settings(deadline=None)
def test_repeated_lines_are_those_that_stood_before(text: str) -> None:
    found, lines = Text(text).layout, Text(text).lines
    before = [line in lines[:i] for i, line in enumerate(lines)]
    count, characters = repeated(found.hash, found.length)
    assert count == sum(before)
    assert characters == sum(len(line) for line, seen in zip(lines, before, strict=True) if seen)
