"""Every example in every edit's docstring: what it changes into what, what it leaves alone, and which mistakes are known."""

from __future__ import annotations

import pytest

from filters.examples import Example
from stages.edits.base import ARROW, Edit, edit
from stages.edits.edits import RULES
from stages.spans import Span, apply

EXAMPLES = [
    pytest.param(rule, example, id=f"{rule.name}-{example.kind}-{number}")
    for rule in RULES
    for number, example in enumerate(rule.examples)
]


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_an_example_is_edited_as_it_says(rule: Edit, example: Example) -> None:
    before, _, after = example.text.partition(ARROW)
    assert apply(before, rule(before)) == (before if example.kind == "keep" else after)


def test_no_two_rules_have_one_name() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)


@pytest.mark.parametrize(
    ("doc", "said"),
    [
        ("Nothing shown.", "needs a 'change:'"),
        ("x\n\nchange: a => b", "needs a 'keep:'"),
        ("x\n\nchange: a\nkeep: b", "write 'before"),
        ("x\n\nchange: a => b\nkeep: a => b", "write 'before"),
    ],
)
def test_an_edit_that_does_not_show_what_it_does_is_refused(doc: str, said: str) -> None:
    def find(text: str) -> list[Span]:
        return []

    find.__doc__ = doc
    with pytest.raises(TypeError, match=said):
        edit("x")(find)
