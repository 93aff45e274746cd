"""Examples in docstrings: `kind: text`, going on over the lines below that are indented further.

Lines are joined without a space, as Japanese has none; `\\\\n` stands for a line break. What declares a rule reads its
examples from here, so that each rule shows what it does and a test holds it to that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple


class Example(NamedTuple):
    """One example of a rule's docstring."""

    kind: str
    text: str


def parse(doc: str, kinds: Sequence[str]) -> tuple[str, tuple[Example, ...]]:
    """(the docstring without its examples, its examples of these kinds in order); `doc` as `inspect.cleandoc` gives it."""
    pattern = re.compile(rf"^([ \t]*)({'|'.join(kinds)}):[ \t]*(.*(?:\n\1[ \t]+\S.*)*)", re.MULTILINE)
    examples = tuple(
        Example(kind, "".join(map(str.strip, text.split("\n"))).replace("\\n", "\n"))
        for _, kind, text in pattern.findall(doc)
    )
    return pattern.sub("", doc).strip(), examples
