"""Documents a CPU second through all Text families together, beside a Python loop over character classes in the same run.

`python -m tests.bench.filters [documents]`. The texts are made here, 1,800 characters each: the mean of a page in
Swallow v1. The loop only counts characters, as the peers do; the families count, split, and build n-grams as well.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Sequence

from filters import FAMILIES
from filters.text import Text

CHARACTERS = 1800
ROUNDS = 3
SUBJECTS = ("父", "駅前の店", "この町", "彼女", "図書館", "新しい機械", "研究者", "子どもたち", "去年の夏", "コーヒー")
PLACES = ("公園", "東京", "会社", "台所", "インターネット", "川のそば", "二階", "学校", "市場", "山の上")
ENDS = (
    "を歩いた。",
    "で働いています。",
    "が好きだ。",
    "には人が多い。",
    "へ行きたいと思います。",
    "について書いた。",
    "を見ましたか？",
)


def made_texts(documents: int) -> list[str]:
    rng = random.Random(1)
    return [made_text(rng) for _ in range(documents)]


def made_text(rng: random.Random) -> str:
    parts: list[str] = []
    while sum(map(len, parts)) < CHARACTERS:
        number = rng.randrange(10**6)
        parts.append(f"{rng.choice(SUBJECTS)}は{number}番目の{rng.choice(PLACES)}{rng.choice(ENDS)}")
        parts.append("\n" * (rng.random() < 0.25))
    return "".join(parts)[:CHARACTERS]


def naive(text: str) -> tuple[int, int, int, int]:
    """Characters of four classes, counted one by one."""
    hiragana = katakana = kanji = marks = 0
    for c in text:
        if "ぁ" <= c <= "ゖ":
            hiragana += 1
        elif "ァ" <= c <= "ー":
            katakana += 1
        elif "一" <= c <= "鿿":
            kanji += 1
        elif c in "。、！？":
            marks += 1
    return hiragana, katakana, kanji, marks


def all_text_filters(text: str) -> list[float]:
    view = Text(text)
    return [f.value(view) for family in FAMILIES.values() if family.view is Text for f in family.filters]


def documents_per_second(measure: Callable[[str], object], texts: Sequence[str]) -> float:
    """Documents a CPU second, the best of `ROUNDS`: what else runs on the machine only slows."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        for text in texts:
            measure(text)
        best = min(best, time.process_time() - started)
    return len(texts) / best


def main() -> None:
    texts = made_texts(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
    families = [family for family in FAMILIES.values() if family.view is Text]
    rates = {
        "naive loop, 4 classes": documents_per_second(naive, texts),
        "class counts": documents_per_second(lambda text: Text(text).counts, texts),
        f"all {sum(len(family.filters) for family in families)} Text filters": documents_per_second(
            all_text_filters, texts
        ),
    }
    for name, rate in rates.items():
        ratio = rate / rates["naive loop, 4 classes"]
        print(f"{name:24} {rate:9.0f} documents/s {rate * CHARACTERS / 1e6:7.1f} Mchar/s {ratio:7.2f} x the loop")


if __name__ == "__main__":
    main()
