"""Two texts side by side in a terminal."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from pipeline.explain.trace_pair import WIDTH, side_by_side


def columns(text: str) -> int:
    import unicodedata

    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def test_what_differs_stands_in_brackets_and_what_does_not_is_counted() -> None:
    gone = "港の朝は早い。船は七時に出る。帰りは夕方になる。"
    kept = "港の朝は早い。船は八時に出る。帰りは夕方になる。天気しだいです。"
    rows = list(side_by_side(gone, kept))
    assert rows[1].strip().startswith("= 1 the same")
    assert "船は[七]時に出る。" in rows[2] and "船は[八]時に出る。" in rows[2]
    assert rows[-1].rstrip().endswith("│ 天気しだいです。")


def test_the_same_text_is_one_row() -> None:
    assert len(list(side_by_side("雨が降る。風も吹く。", "雨が降る。風も吹く。"))) == 2


@given(st.text(max_size=300), st.text(max_size=300))
def test_the_right_column_stands_in_one_line_below_itself(gone: str, kept: str) -> None:
    for row in list(side_by_side(gone, kept))[1:]:
        left, bar, _ = row.partition(" │")
        if bar and "│" not in gone + kept:
            assert columns(left) == 2 + WIDTH


def test_long_texts_are_shown_in_part_and_in_time() -> None:
    began = time.process_time()
    rows = list(
        side_by_side(
            "".join(f"{n}番の船が出る。" for n in range(60_000)), "".join(f"{n}番の船が着く。" for n in range(60_000))
        )
    )
    assert len(rows) < 50
    assert "sentences: 60,000 and 60,000" in rows[-1]
    assert time.process_time() - began < 20
