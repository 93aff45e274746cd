"""What an edit within a page is: a finder of spans with examples that are tested, declared as filters are."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from filters.examples import Example, parse
from stages.spans import Span

Finder = Callable[[str], list[Span]]

CHANGE, KEEP, MISFIRE = "change", "keep", "misfire"
ARROW = " => "  # between what a page has and what is made of it, in `change:` and `misfire:`


@dataclass(frozen=True, slots=True)
class Edit:
    """One rule. Calling it gives the spans of a text: sorted, disjoint, in O(len(text))."""

    name: str
    doc: str  # the docstring without its examples
    examples: tuple[Example, ...]
    find: Finder

    def __call__(self, text: str) -> list[Span]:
        return self.find(text)


def edit(name: str) -> Callable[[Finder], Edit]:
    """Declare the decorated finder as an edit. `misfire:` is a change that ought not to be made, a known mistake.

    Raises TypeError, naming the edit, when it does not show what it changes and what it leaves alone.
    """

    def declare(find: Finder) -> Edit:
        doc, examples = parse(inspect.cleandoc(find.__doc__ or ""), (CHANGE, KEEP, MISFIRE))
        for needed in (CHANGE, KEEP):
            if needed not in {example.kind for example in examples}:
                raise TypeError(f"edit {name}: needs a '{needed}:' example in its docstring")
        for example in examples:
            if (example.kind == KEEP) == (ARROW in example.text):
                raise TypeError(
                    f"edit {name}: '{example.kind}: {example.text}': write 'before{ARROW}after' for a change alone"
                )
        return Edit(name, doc, examples, find)

    return declare
