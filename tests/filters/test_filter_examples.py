"""Every example in every filter's docstring: what it keeps, what it drops, and which mistakes are known."""

from __future__ import annotations

import pytest

from filters import FILTERS
from filters.base import Filter
from filters.examples import Example

EXAMPLES = [
    pytest.param(declared, example, id=f"{declared.code}-{example.kind}-{number}")
    for declared in FILTERS.values()
    for number, example in enumerate(declared.examples)
]


@pytest.mark.parametrize(("declared", "example"), EXAMPLES)
def test_an_example_is_judged_as_its_keyword_says(declared: Filter, example: Example) -> None:
    verdict = declared.judge(declared.view.example(example.text))
    assert verdict.keep == (example.kind == "keep"), f"{declared.code} measured {verdict.value}"
