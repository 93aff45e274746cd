"""What the default filters say of the pages made to try them may only become more right."""

from __future__ import annotations

import pytest

from tests.judge_pages import made_pages
from tests.judged import bounds, judged


@pytest.mark.parametrize(
    ("dirty", "held", "pages", "right"),
    [(True, False, 100, 98), (False, False, 100, 98), (True, True, 40, 36), (False, True, 40, 39)],
)
def test_pages_that_sell_or_insult_go_and_those_that_look_alike_stay(
    dirty: bool, held: bool, pages: int, right: int
) -> None:
    chosen = [page for page in made_pages() if (page.dirty, page.held) == (dirty, held)]
    assert len(chosen) == pages
    kept = judged([page.text for page in chosen]).kept(bounds("default"))
    wrong = [page.name for page, keep in zip(chosen, kept.tolist(), strict=True) if keep == dirty]
    assert pages - len(wrong) >= right, wrong


@pytest.mark.parametrize("profile", ["recall", "strict"])
def test_recall_keeps_no_less_and_strict_no_more(profile: str) -> None:
    found = judged([page.text for page in made_pages()])
    default, other = found.kept(bounds("default")), found.kept(bounds(profile))
    assert not (default & ~other).any() if profile == "recall" else not (other & ~default).any()
