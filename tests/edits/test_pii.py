"""Masking: every example of every kind, the laws, and time on hostile input."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.examples import Example
from stages.pii.pii import DEFAULT, KINDS, mask
from stages.wikipedia.wikitext import clean
from tests.dumps import article
from tests.runs import recipe, seimai, source

EXAMPLES = [(kind, example) for kind, each in KINDS.items() for example in each.examples]
pieces = st.sampled_from(
    [
        *"0123456789０９-－ー() .@＠:,/あ\n\ud800",
        "090-1234-5678",
        "03-3456-7890",
        "taro@example.jp",
        "4111 1111 1111 1111",
        "マイナンバー",
        "1234 5678 9018",
        "TEL",
        "8.8.8.8",
        "口座番号",
        "氏名：",
        "東京都北町1-2-3",
        "(at)",
        "+81",
        "<電話番号>",
    ]
)
texts = st.lists(pieces, max_size=25).map("".join)


@pytest.mark.parametrize(
    ("kind", "example"), EXAMPLES, ids=[f"{kind}-{each.kind}-{i}" for i, (kind, each) in enumerate(EXAMPLES)]
)
def test_an_example_is_treated_as_it_says(kind: str, example: Example) -> None:
    masked = mask(example.text, (kind,))
    assert (masked.text == example.text) == (example.kind in ("keep", "missed"))
    assert bool(masked.counts.get(kind)) == (example.kind in ("mask", "misfire"))


def test_what_is_around_a_mask_stays_as_it_was() -> None:
    text = "　連絡先は０９０－１２３４－５６７８、または taro＠example.jp です。"
    assert mask(text, DEFAULT) == ("　連絡先は<電話番号>、または <メールアドレス> です。", {"mail": 1, "phone": 1})


def test_numbers_of_things_stay() -> None:
    text = "価格は12,800円、2024-05-03 10:30発売、ISBN 978-4-00-310101-8、郵便は〒150-0002、緯度35.6581、法人番号1234567890123"
    assert mask(text, tuple(KINDS)).text == text


@given(texts | st.text(), st.lists(st.sampled_from(list(KINDS)), unique=True))
@settings(deadline=None, max_examples=300)
def test_masking_what_was_masked_changes_nothing(text: str, kinds: list[str]) -> None:
    once = mask(text, kinds)
    assert mask(once.text, kinds) == (once.text, {})
    assert set(once.counts) <= set(kinds)


@given(texts)
@settings(deadline=None, max_examples=300)
def test_a_text_without_ten_digits_or_a_sign_is_left_at_a_glance(text: str) -> None:
    """The quick look of the kinds on by default agrees with looking for each alone."""
    together = mask(text, DEFAULT)
    alone = [mask(text, (kind,)).counts for kind in DEFAULT]
    everything = mask(text, tuple(KINDS))  # never takes the short way
    if not any(alone):
        assert together == (text, {})
    assert set(together.counts) >= set(everything.counts) & set(DEFAULT) or len(everything.counts) > len(
        together.counts
    )


@given(texts)
@settings(deadline=None, max_examples=200)
def test_what_is_not_masked_stays_in_order(text: str) -> None:
    left = mask(text.replace("<", ""), DEFAULT)
    rest = left.text
    for kind in DEFAULT:
        for placeholder in KINDS[kind].placeholders:
            rest = rest.replace(placeholder, "")
    characters = iter(text.replace("<", ""))
    assert all(character in characters for character in rest)  # a subsequence


@pytest.mark.parametrize(
    "unit", ["0", "@", "-", "0-", "a.", "1.", ":", "1:", "(", "a@", "090-", "氏名：山田", "東京都"]
)
def test_a_long_run_of_one_thing_takes_linear_time(unit: str) -> None:
    started = time.perf_counter()
    mask(unit * (200_000 // len(unit)), tuple(KINDS))
    assert time.perf_counter() - started < 10  # tenths of a second; quadratic would be minutes


def test_a_release_counts_what_it_masks_and_a_recipe_chooses_the_kinds(tmp_path: Path) -> None:
    prose = clean(article(1), "")
    rows = [
        {"text": f"{prose}\n連絡先は090-1234-567{n}、口座番号は1234567です。{n}", "title": f"電話 03-3456-789{n}"}
        for n in (1, 2)
    ]
    lines = tmp_path / "a.jsonl"
    lines.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    for chosen, expected in (
        ("", {"phone": 4}),
        ('[pii]\nmask = ["bank_account"]', {"bank_account": 2}),
        ("[pii]\nmask = []", {}),
    ):
        made = recipe(
            tmp_path,
            f"{source('a', 'jsonl', lines, license='CC0-1.0', title_column='title', join='dedup')}\n{chosen}\n[stages.dedup]\nsimilarity = 1.0",
        )
        assert seimai("run", made, "--runner", "local", "--workers", 1).code == 0
        manifest = json.loads((tmp_path / "release/manifest.json").read_text(encoding="utf-8"))
        (shard,) = (tmp_path / "release/data").glob("*.parquet")
        released = pq.read_table(shard).to_pylist()
        text = "".join(row["text"] + row["title"] for row in released)
        assert manifest["sources"][0]["pii"] == expected
        assert {kind: text.count(KINDS[kind].placeholders[0]) for kind in expected} == expected
        assert ("1234567です" in text) == ("bank_account" not in expected)
        assert all(row["characters"] == len(row["text"]) for row in released)


def test_an_unknown_kind_is_refused_with_the_nearest(tmp_path: Path) -> None:
    made = recipe(tmp_path, source("a", "jsonl", "a.jsonl", license="CC0-1.0") + '[pii]\nmask = ["phones"]')
    done = seimai("run", made)
    assert done.code == 2
    assert "no kind 'phones'; did you mean 'phone'?" in done.err
