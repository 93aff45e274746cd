"""Documents a CPU second through all Text families together, and through the morpheme family.

    python -m tests.bench.filters [documents] [--hojichar PYTHON]

Beside a Python loop over character classes in the same run, and, where `--hojichar` names the interpreter of an environment
with HojiChar (pip install hojichar==0.18.1), beside its comparable filters. The texts are made here, 1,800 characters each:
the mean of a page in Swallow v1. The loop only counts characters; the families count, split, and build n-grams as well.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import time
from collections.abc import Callable, Sequence

from filters import FAMILIES
from filters.text import Text
from filters.words import Words

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


def documents_per_second(measure: Callable[[str], object], texts: Sequence[str]) -> float:
    """Documents a CPU second, the best of `ROUNDS`: what else runs on the machine only slows."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        for text in texts:
            measure(text)
        best = min(best, time.process_time() - started)
    return len(texts) / best


# Stops at the first filter that rejects, so the share it kept says how much of the work it did.
HOJICHAR = """
import json, sys, time
from hojichar import Compose, Document
from hojichar import document_filters as f
names = ["AcceptJapanese", "DocumentLengthFilter", "DiscardBBSComments", "DiscardAds", "DiscardAdultContentJa",
         "DiscardDiscriminationContentJa", "DiscardViolenceContentJa", "DiscardRareKuten", "DiscardTooManyEndingEllipsis",
         "DiscardTooShortLines", "DiscardTooManySpecialToken", "SingleCharacterRepetitionFilter", "CharRepetitionRatioFilter"]
compose = Compose([getattr(f, name)() for name in names])
texts = json.load(sys.stdin)
compose.apply(Document(texts[0]))
best, kept = 1e9, 0
for _ in range(3):
    started = time.process_time()
    kept = sum(not compose.apply(Document(text)).is_rejected for text in texts)
    best = min(best, time.process_time() - started)
print(json.dumps([len(texts) / best, len(names), kept / len(texts)]))
"""


def hojichar(python: str, texts: Sequence[str]) -> tuple[float, int, float]:
    """Documents a CPU second, filters, share of documents kept."""
    done = subprocess.run([python, "-c", HOJICHAR], input=json.dumps(texts), capture_output=True, text=True, check=True)
    rate, filters, kept = json.loads(done.stdout.splitlines()[-1])
    return rate, filters, kept


def through(family_views: Sequence[type[Text]], text: str) -> list[float]:
    """Every filter of the families that look at the given views."""
    found = {view: view(text) for view in family_views}
    return [f.value(found[family.view]) for family in FAMILIES.values() if family.view in found for f in family.filters]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("documents", nargs="?", type=int, default=1000)
    parser.add_argument("--hojichar", metavar="PYTHON", help="an interpreter that can import hojichar")
    options = parser.parse_args()
    texts = made_texts(options.documents)
    count = {view: sum(len(f.filters) for f in FAMILIES.values() if f.view is view) for view in (Text, Words)}
    rates = {
        "naive loop, 4 classes": documents_per_second(naive, texts),
        "class counts": documents_per_second(lambda text: Text(text).counts, texts),
        f"all {count[Text]} Text filters": documents_per_second(lambda text: through([Text], text), texts),
        f"all {count[Words]} Words filters": documents_per_second(lambda text: through([Words], text), texts[:200]),
    }
    if options.hojichar:
        rate, filters, kept = hojichar(options.hojichar, texts)
        rates[f"{filters} of HojiChar ({kept:.0%} kept)"] = rate
    for name, rate in rates.items():
        ratio = rate / rates["naive loop, 4 classes"]
        print(f"{name:26} {rate:9.0f} documents/s {rate * CHARACTERS / 1e6:7.1f} Mchar/s {ratio:7.2f} x the loop")
    if options.hojichar:
        print(f"all Text filters: {rates[f'all {count[Text]} Text filters'] / rate:.1f} x HojiChar")


if __name__ == "__main__":
    main()
