"""Values against their bounds, a line each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pipeline.explain.report import meaning
from stages.measure.judge import Bound


def value_lines(
    bounds: Sequence[Bound], because: Mapping[str, str], values: Mapping[str, float | None]
) -> Iterator[str]:
    """A line for every bound whose measure has a value; 'x' marks those that are missed."""
    for bound in bounds:
        value = values.get(bound.code)
        if value is None:
            continue
        limits = [f"at least {bound.at_least:g}"] if bound.at_least is not None else []
        limits += [f"at most {bound.at_most:g}"] if bound.at_most is not None else []
        why = f"; {because[bound.code]}" if bound.code in because else ""
        mark = " " if bound.keeps(value) else "x"
        yield f"  {mark} {bound.code} {meaning(bound.code)}: {value:.4g} ({', '.join(limits)}{why})"
