"""Scores of the extraction on `gold_pages/`, and the floor below which they must not fall.

python -m tests.gold_scores          # raises the floor; refuses to lower it
"""

from __future__ import annotations

import json
import sys

from stages.caps import Caps, Comments
from stages.html import extract
from tests.extraction_score import GOLD_PAGES, found, gold_pages, layout, mean, share

FLOOR = GOLD_PAGES / "floor.json"
CAPS = Caps()


def scores() -> dict[str, float]:
    """Of each axis the mean over the pages, four places; more is better ('clean' is one minus the leak)."""
    pages = [(page, extract(page.html, CAPS).text) for page in gold_pages()]
    leaks = mean(share(page.gold["must_not_contain"], text) for page, text in pages)
    axes = {
        "recall": mean(share(page.gold["must_contain"], text) for page, text in pages),
        "clean": 1 - leaks,
        "lines": mean(layout(page, text) for page, text in pages),
        "comments": mean([comments(kept) for kept in ("drop", "keep")]),
    }
    return {axis: round(score, 4) for axis, score in axes.items()}


def comments(how: Comments) -> float:
    """Share of the readers' comments that are dropped, or kept, as asked."""
    rights = []
    for page in gold_pages():
        strings = page.gold.get("comments", [])
        if strings:
            text = extract(page.html, CAPS, how).text
            rights.append(len(found(strings, text)) == (len(strings) if how == "keep" else 0))
    return sum(rights) / len(rights)


def main() -> None:
    now = scores()
    floor = json.loads(FLOOR.read_text()) if FLOOR.exists() else dict.fromkeys(now, 0.0)
    lower = {axis: (floor[axis], now[axis]) for axis in now if now[axis] < floor[axis]}
    if lower:
        sys.exit(f"the floor only rises; (floor, now) of what fell: {lower}")
    FLOOR.write_text(json.dumps(now, indent=2) + "\n")
    print(now)


if __name__ == "__main__":
    main()
