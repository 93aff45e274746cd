"""A document that went and the one that stays for it, side by side, with what differs in brackets."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest

from filters.sentences import split
from stages.visible import visible

WIDTH = 46  # columns of each side
_SENTENCES = 2000  # compared of each text: difflib takes a time that grows with their product
_INSIDE = 400  # characters of sentences that are compared within
_SHOWN = 40  # rows


def side_by_side(gone: str, kept: str) -> Iterator[str]:
    """Rows of two columns: sentences that differ; runs of equal ones as a count. At most `_SHOWN` rows."""
    left, right = split(gone), split(kept)
    yield f"  {_cell('this document', WIDTH)} │ the document that stays"
    rows = list(_rows(left[:_SENTENCES], right[:_SENTENCES]))
    yield from rows[:_SHOWN]
    if len(rows) > _SHOWN or max(len(left), len(right)) > _SENTENCES:
        yield f"  … {len(rows) - _SHOWN if len(rows) > _SHOWN else 0} more rows; sentences: {len(left):,} and {len(right):,}"


def _rows(left: Sequence[str], right: Sequence[str]) -> Iterator[str]:
    for what, a, b, c, d in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if what == "equal":
            yield f"  {_cell(f'= {b - a} the same', WIDTH)} │"
            continue
        for one, other in zip_longest(left[a:b], right[c:d], fillvalue=""):
            marked = _marked(one, other) if one and other else (one, other)
            for cells in zip_longest(*(_wrapped(visible(text)) for text in marked), fillvalue=""):
                yield f"  {_cell(cells[0], WIDTH)} │ {cells[1]}"


def _marked(one: str, other: str) -> tuple[str, str]:
    """Both, with what the other has not in brackets."""
    if max(len(one), len(other)) > _INSIDE:
        return one, other
    left = right = ""
    for what, a, b, c, d in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        left += one[a:b] if what == "equal" or a == b else f"[{one[a:b]}]"
        right += other[c:d] if what == "equal" or c == d else f"[{other[c:d]}]"
    return left, right


def _wrapped(text: str) -> list[str]:
    """Cut where a line is full, two columns for a full-width character."""
    lines, line, width = [], "", 0
    for character in text:
        columns = _columns(character)
        if width + columns > WIDTH:
            lines.append(line)
            line, width = "", 0
        line, width = line + character, width + columns
    return [*lines, line]


def _cell(text: str, width: int) -> str:
    return text + " " * (width - sum(map(_columns, text)))


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
