"""Spans: a change of a text written down as what is replaced by what.

A span (start, end, text) replaces the code points [start, end) by `text`. The spans of a text are sorted and do not
overlap, so applying them is one pass.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

Span = tuple[int, int, str]


def apply(text: str, spans: Sequence[Span]) -> str:
    """`text` with every span replaced. ValueError when spans are unsorted, overlap or reach outside the text."""
    if not spans:
        return text
    pieces: list[str] = []
    position = 0
    for start, end, new in spans:
        if not position <= start <= end <= len(text):
            raise ValueError(f"edit ({start}, {end}) is out of order or outside a text of {len(text)} characters")
        pieces += (text[position:start], new)
        position = end
    pieces.append(text[position:])
    return "".join(pieces)


def compose(first: Iterable[Span], second: Iterable[Span]) -> list[Span]:
    """The spans that do at once what `first` does to a text and `second`, none of it empty, to the result."""
    waiting = deque(first)
    both: list[Span] = []
    shift = 0  # what `first` has moved the text by, up to where we are
    for start, end, new in second:
        while waiting and waiting[0][0] + shift + len(waiting[0][2]) <= start:
            shift += _take(waiting, both)
        left, before = start - shift, ""
        if waiting and waiting[0][0] < left:  # it starts in the middle of what `first` put there
            left, _, put = waiting[0]
            before = put[: start - shift - left]
        while waiting and waiting[0][0] + shift < end:
            old, stop, put = waiting.popleft()
            rest = put[end - old - shift :]  # what `first` put there that lies behind `end`
            shift += len(put) - len(rest) - (stop - old)
            if rest:
                waiting.appendleft((stop, stop, rest))
        _put(both, (left, end - shift, before + new))
    while waiting:
        _take(waiting, both)
    return both


def _take(waiting: deque[Span], both: list[Span]) -> int:
    """Moves one span over; returns by how much it moves the text."""
    start, end, new = span = waiting.popleft()
    _put(both, span)
    return len(new) - (end - start)


def _put(both: list[Span], span: Span) -> None:
    """Appends a span, or adds one that replaces nothing to the one before, which it came from."""
    start, end, new = span
    if start == end and both and both[-1][1] == start:
        start, _, before = both.pop()
        new = before + new
    both.append((start, end, new))
