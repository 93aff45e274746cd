"""Extraction against the gold of the development data: ours beside trafilatura's full mode as it comes.

    nice python -m tests.bench.extraction [--sites]

Mean over sites of recall, leak and F1, as `score_extraction.py --only-ja --by site` has them, except that 〜 and ～ count
as one: which of them an EUC-JP page has is the decoder's rule. The interval is of the difference between the two, from
10,000 bootstrap samples of the sites. Then the same for the smaller pages of `wide/` and for tests/gold_pages, and what
our part costs. Resiliparse, not installed here, was measured at .905 .205 .896 (reference/extraction.md).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from trafilatura import extract as stock_extract

from stages.caps import Caps, TooMuch
from stages.charset import charset
from stages.html import extract, trafilatura_fast
from stages.warc.warc import Record, read
from tests.extraction_score import f1, gold_pages, mean, share
from tests.runs import ROOT

DATA = ROOT.parent / "shared" / "data"
AXES = ("recall", "leak", "F1")
CAPS = Caps()

Scores = tuple[float | None, float | None, float | None]


def ours(html: str) -> str:
    try:
        return extract(html, CAPS).text
    except TooMuch:
        return ""


def full_mode(html: str) -> str:
    return stock_extract(html, include_comments=False) or ""


def score(text: str, gold: dict[str, Any]) -> Scores:
    text = _one_wave(text)
    gold_text = gold.get("gold_text")
    return (
        share([_one_wave(each) for each in gold["must_contain"]], text),
        share([_one_wave(each) for each in gold["must_not_contain"]], text),
        f1(text, _one_wave(gold_text)) if gold_text else None,
    )


def _one_wave(text: str) -> str:
    return text.replace("〜", "～")


def web() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Site, decoded page and gold of each Japanese page that has gold."""
    rows = map(json.loads, (DATA / "gold_extraction.jsonl").open(encoding="utf-8"))
    gold = {row["url"]: row for row in rows if row["is_ja"]}
    for record in read(str(DATA / "web-ja.warc.gz"), "fastwarc"):
        row = gold.pop(record.url, None) if isinstance(record, Record) else None
        if row is not None and isinstance(record, Record):
            encoding = charset.gate(record.body)
            yield row["site"], charset.decode(record.body, encoding).text if encoding else "", row


def wide() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for row in map(json.loads, (DATA / "wide" / "labels.jsonl").open(encoding="utf-8")):
        yield row["id"], (DATA / "wide" / "pages" / row["id"]).read_text(encoding="utf-8"), row


def own() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for page in gold_pages():
        yield page.name, page.html, page.gold


def by_site(scored: list[tuple[str, Scores]]) -> dict[str, list[float]]:
    """Site -> its mean of each axis, NaN where it has none."""
    pages: dict[str, list[Scores]] = defaultdict(list)
    for site, scores in scored:
        pages[site].append(scores)
    return {
        site: [
            mean(values) if any(value is not None for value in values) else float("nan")
            for values in zip(*rows, strict=True)
        ]
        for site, rows in pages.items()
    }


def compare(name: str, pages: Iterator[tuple[str, str, dict[str, Any]]], sites: bool) -> None:
    scored: dict[Callable[[str], str], list[tuple[str, Scores]]] = {ours: [], full_mode: []}
    seconds = dict.fromkeys(scored, 0.0)
    for site, html, gold in pages:
        for extractor, rows in scored.items():
            start = time.process_time()
            text = extractor(html)
            seconds[extractor] += time.process_time() - start
            rows.append((site, score(text, gold)))
    tables = {extractor: by_site(rows) for extractor, rows in scored.items()}
    names = sorted(tables[ours])
    mine, theirs = (np.array([tables[extractor][each] for each in names]) for extractor in (ours, full_mode))
    draws = np.random.default_rng(0).integers(0, len(names), (10_000, len(names)))
    print(
        f"\n{name}: {len(scored[ours])} pages, {len(names)} sites; seconds {seconds[ours]:.1f}, {seconds[full_mode]:.1f}"
    )
    for axis, label in enumerate(AXES):
        difference = mine[:, axis] - theirs[:, axis]
        if np.isnan(difference).all():
            continue
        low, high = np.nanpercentile(np.nanmean(difference[draws], axis=1), [2.5, 97.5])
        print(
            f"{label:7} ours {np.nanmean(mine[:, axis]):.3f}  full mode {np.nanmean(theirs[:, axis]):.3f}"
            f"  difference {np.nanmean(difference):+.3f} [{low:+.3f}, {high:+.3f}]"
        )
    for row, site in enumerate(names if sites else []):
        print(f"  {site:28} {mine[row].round(3).tolist()}  {theirs[row].round(3).tolist()}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sites", action="store_true", help="a line for each site")
    parser.add_argument("--fast", action="store_true", help="with the faster trafilatura, for both")
    options = parser.parse_args()
    if options.fast:
        trafilatura_fast.install()
    compare("tests/gold_pages", own(), options.sites)
    if not Path(DATA).exists():
        print(f"skipped: the development data is not at {DATA}")
        sys.exit()
    compare("gold_extraction.jsonl", web(), options.sites)
    compare("wide/labels.jsonl", wide(), options.sites)


if __name__ == "__main__":
    main()
