"""What the edits within a page made of a text, rule by rule, as the lines of a diff."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from stages.edits.edits import Step, steps
from stages.spans import Span
from stages.visible import visible

_CONTEXT = 12  # characters shown on each side of a change
_LONGEST = 100  # characters of what was there, and of what is there now
SHOWN = 10  # changes of a rule


def changes(text: str, shown: int | None = SHOWN) -> Iterator[str]:
    """Lines that show what each rule changed, `shown` of its changes or, with None, all."""
    found = list(steps(text))
    if not found:
        yield "  edits: none"
        return
    yield f"  edits: {', '.join(f'{step.rule.name} {len(step.spans)}' for step in found)}"
    for step in found:
        for span in islice(step.spans, shown):
            yield from _change(step, span)
        if shown is not None and len(step.spans) > shown:
            yield f"    {step.rule.name}: and {len(step.spans) - shown:,} more (--all shows them)"


def _change(step: Step, span: Span) -> Iterator[str]:
    start, end, new = span
    text = step.before
    before, behind = text[max(0, start - _CONTEXT) : start], text[end : end + _CONTEXT]
    yield f"    {step.rule.name} - {visible(before)}[{_clipped(text[start:end])}]{visible(behind)}"
    yield f"    {step.rule.name} + {visible(before)}[{_clipped(new)}]{visible(behind)}"


def _clipped(text: str) -> str:
    if len(text) <= _LONGEST:
        return visible(text)
    half = _LONGEST // 2
    return f"{visible(text[:half])} … {visible(text[-half:])}"
