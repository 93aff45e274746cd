"""How good an extracted text is: against the strings and texts of gold pages.

Strings are compared after NFKC and without white space, as `score_extraction.py` of the development data does it.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GOLD_PAGES = Path(__file__).parent / "gold_pages"

_MARK = re.compile(r"^(?:- )?\|?\s*|\s*\|?$")  # what extractors put before a list item and around a table row


@dataclass(frozen=True, slots=True)
class GoldPage:
    """A page of `gold_pages/`: its HTML, and the TOML beside it.

    must_contain, must_not_contain: strings; comments: strings that readers wrote below the page; lines: passages whose
    line breaks must be kept; repeated: texts with the number of times the page has them.
    """

    name: str
    html: str
    gold: dict[str, Any]


def gold_pages() -> list[GoldPage]:
    return [
        GoldPage(
            path.stem, path.with_suffix(".html").read_text(encoding="utf-8"), tomllib.loads(path.read_text("utf-8"))
        )
        for path in sorted(GOLD_PAGES.glob("*.toml"))
    ]


def squeeze(text: str) -> str:
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))


def found(strings: Iterable[str], text: str) -> list[str]:
    """Those of `strings` that are in `text`."""
    squeezed = squeeze(text)
    return [each for each in strings if squeeze(each) in squeezed]


def share(strings: list[str], text: str) -> float | None:
    """Share of `strings` found in `text`; None when there are none."""
    return len(found(strings, text)) / len(strings) if strings else None


def f1(text: str, gold: str) -> float:
    """F1 of the bags of character 5-grams."""
    ours, theirs = _grams(squeeze(text)), _grams(squeeze(gold))
    common = (ours & theirs).total()
    return 2 * common / (ours.total() + theirs.total()) if common else 0.0


def layout(page: GoldPage, text: str) -> float | None:
    """Share of the page's passages that are in `text` line by line, and of its repetitions; None when it has neither.

    Indents count only in passages with an ASCII indent (code); empty lines do not count.
    """
    hits = []
    for passage in page.gold["lines"]:
        code = "\n    " in passage
        hits.append(_lined(passage, code) in _lined(text, code))
    squeezed = squeeze(text)
    hits += [squeezed.count(squeeze(each["text"])) == each["times"] for each in page.gold.get("repeated", [])]
    return sum(hits) / len(hits) if hits else None


def mean(values: Iterable[float | None]) -> float:
    known = [value for value in values if value is not None]
    return sum(known) / len(known)


def _lined(text: str, code: bool) -> str:
    lines = [line.rstrip() if code else _MARK.sub("", line).strip() for line in text.splitlines()]
    return "\n" + "\n".join(line for line in lines if line) + "\n"


def _grams(text: str) -> Counter[str]:
    return Counter(text[start : start + 5] for start in range(max(0, len(text) - 4)))
