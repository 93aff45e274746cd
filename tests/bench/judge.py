"""How right the filters are: every profile over the same texts.

    python -m tests.bench.judge [--without N]

`clean`: texts of 100 characters and more that ought to be kept. `dirty` and `innocent`: pages made for this repository
(`tests/data/judge`), `held` of them written without sight of the lists. `labels`: good and bad as one annotator saw them
on 1,112 pages of mC4; balanced accuracy, with the 95 % interval of a bootstrap over groups of near-duplicates. One person's
taste on short, old pages: it tells rules from chance and from each other, not how good a corpus becomes, and half of the
difference between two annotators is more than the interval.

Then what each filter of `default` drops alone, of real pages and of labelled ones, and how much injected dirt is found in
clean texts that are kept (`--without N` texts of them).
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from filters import FILTERS
from filters.profiles import names
from pipeline.train import train
from tests.judge_pages import made_pages
from tests.judged import CODES, Judged, bounds, edited, judged
from tests.runs import SHARED

SPAM = "今すぐ登録で無料ポイントをプレゼント！誰でも稼げる副業、即日融資、オンラインカジノの入金不要ボーナスはこちら。残りわずか、先着100名様限定の特別オファーです。"
MENU = "ホーム\n会社概要\n新着情報\n商品一覧\nお問い合わせ\nプライバシーポリシー\nサイトマップ\n前の記事\n次の記事\nログイン\n会員登録\nカートを見る\n"


def rows(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (SHARED / "text" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def balanced(good: NDArray[np.bool_], kept: NDArray[np.bool_]) -> float:
    return float((kept[good].mean() + (~kept[~good]).mean()) / 2)


def interval(good: NDArray[np.bool_], kept: NDArray[np.bool_], groups: NDArray[np.int64]) -> tuple[float, float]:
    """2.5 % and 97.5 % of balanced accuracy over 500 draws of whole groups."""
    rng = np.random.default_rng(0)
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    drawn = []
    for _ in range(500):
        chosen = np.concatenate([members[i] for i in rng.integers(0, len(members), len(members))])
        drawn.append(balanced(good[chosen], kept[chosen]))
    low, high = np.percentile(drawn, [2.5, 97.5]).tolist()
    return low, high


def near_duplicates(texts: Sequence[str]) -> NDArray[np.int64]:
    """A group number a text: joined where 5-gram sets are more than 0.3 alike (Jaccard)."""
    sets = [frozenset(text[i : i + 5] for i in range(max(1, len(text) - 4))) for text in texts]
    by_gram: dict[str, list[int]] = defaultdict(list)
    for number, grams in enumerate(sets):
        for gram in grams:
            by_gram[gram].append(number)
    group = np.arange(len(texts))
    for number, grams in enumerate(sets):
        others = {other for gram in grams if len(by_gram[gram]) < 50 for other in by_gram[gram] if other < number}
        for other in others:
            shared = len(grams & sets[other])
            if shared > 0.3 * (len(grams) + len(sets[other]) - shared):
                group[group == group[number]] = group[other]
    return group


def shuffled(text: str) -> str:
    sentences = [part for part in text.replace("\n", "").split("。") if part]
    order = np.random.default_rng(len(text)).permutation(len(sentences))
    return "。".join(sentences[i] for i in order) + "。"


def mojibake(text: str) -> str:
    """A third of the text, read as if its UTF-8 were Windows-1252."""
    third = len(text) // 3
    return text[:third].encode().decode("cp1252", "replace") + text[third:]


DIRT: dict[str, Callable[[str], str]] = {
    "a paragraph of spam": lambda text: f"{text}\n{SPAM}",
    "a third in mojibake": mojibake,
    "a menu above": lambda text: MENU + text,
    "the text twice, line by line": lambda text: "\n".join(f"{line}\n{line}" for line in text.split("\n")),
    "sentences shuffled": shuffled,
}


def share(kept: Iterable[bool]) -> str:
    values = list(kept)
    return f"{sum(values) / max(1, len(values)):6.1%} of {len(values)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--without", type=int, default=400)
    options = parser.parse_args()
    if not SHARED.is_dir():
        print(f"passed over: the development data is not at {SHARED}")
        return
    clean_texts = [row["text"] for row in rows("clean_ja") if len(row["text"]) >= 100]
    pages, labels = made_pages(), rows("quality_labels")
    clean, made = judged(clean_texts), judged([page.text for page in pages])
    labelled, web = judged([row["text"] for row in labels]), judged([row["text"] for row in rows("web_text_ja")])
    good = np.array([row["label"] == "good" for row in labels])
    groups = near_duplicates([row["text"] for row in labels])
    dirty, held = np.array([p.dirty for p in pages]), np.array([p.held for p in pages])
    print(f"{len(labels)} labels in {len(np.unique(groups))} groups of near-duplicates\n")
    print(
        f"{'profile':14} {'clean kept':>15} {'dirty gone':>15} {'innocent kept':>15} {'held: gone':>12} {'kept':>12}  labels: balanced accuracy"
    )
    for name in names():
        own = bounds(name)
        kept, said = made.kept(own), labelled.kept(own)
        low, high = interval(good, said, groups)
        print(
            f"{name:14} {share(clean.kept(own)):>15} {share(~kept[dirty & ~held]):>15} {share(kept[~dirty & ~held]):>15} "
            f"{share(~kept[dirty & held]):>12} {share(kept[~dirty & held]):>12}  {balanced(good, said):.3f} ({low:.3f} to {high:.3f}), "
            f"good kept {said[good].mean():.1%}, bad kept {said[~good].mean():.1%}; web kept {web.kept(own).mean():.1%}"
        )
    print("\ndefault, made pages by category: dirty gone, innocent kept")
    kept = made.kept(bounds("default"))
    for right, wanted in (("gone", True), ("kept", False)):
        tally: dict[str, list[bool]] = defaultdict(list)
        for page, keep in zip(pages, kept.tolist(), strict=True):
            if page.dirty == wanted:
                tally[page.category].append(keep != wanted)
        print(f"  {right}: " + ", ".join(f"{category} {sum(v)}/{len(v)}" for category, v in sorted(tally.items())))
    learned(labels)
    alone(clean, labelled, web, good)
    injected(clean_texts, clean, options.without)


def learned(labels: Sequence[dict[str, str]]) -> None:
    """What `seimai train-classifier` reaches on the labels, on folds of near-duplicates that it has not seen."""
    kinds = {kind: [row["text"] for row in labels if row["label"] == kind] for kind in ("good", "bad")}
    _, held = train(kinds["good"], kinds["bad"])
    print(
        f"\nclassifier on the labels, folds by near-duplicates: AUC {held.auc:.3f}, "
        f"balanced accuracy {held.balanced_accuracy:.3f}, calibration error {held.calibration_error:.3f}"
    )


def alone(clean: Judged, labelled: Judged, web: Judged, good: NDArray[np.bool_]) -> None:
    print("\nfilters of default: dropped of clean, web; of labels (good among them), and by no other filter (good)")
    own = bounds("default")
    of_clean, of_web, of_labels = clean.dropped(own), web.dropped(own), labelled.dropped(own)
    only = of_labels & (of_labels.sum(axis=1, keepdims=True) == 1)
    for column, code in enumerate(CODES):
        counts = [int(found[:, column].sum()) for found in (of_clean, of_web, of_labels, only)]
        goods = [int((found[:, column] & good).sum()) for found in (of_labels, only)]
        print(
            f"  {code} {FILTERS[code].name:26} {counts[0]:4} {counts[1]:4}   {counts[2]:4} ({goods[0]})  {counts[3]:4} ({goods[1]})"
        )


def injected(texts: Sequence[str], clean: Judged, limit: int) -> None:
    own = bounds("default")
    kept = clean.kept(own)
    chosen = [text for text, keep in zip(texts, kept.tolist(), strict=True) if keep][-limit:]
    print(
        f"\ninjected into {len(chosen)} clean texts that are kept; false positives on clean texts {1 - kept.mean():.2%}"
    )
    for what, change in DIRT.items():
        changed = {
            text: dirt for text in chosen if (dirt := change(text)) != text
        }  # of one sentence nothing is shuffled
        cut = np.array([edited(dirt) == edited(text) for text, dirt in changed.items()])
        dropped = ~judged(list(changed.values())).kept(own)
        print(f"  {what:30} dropped {share(dropped)}, cut out by an edit {share(cut & ~dropped)}")


if __name__ == "__main__":
    main()
