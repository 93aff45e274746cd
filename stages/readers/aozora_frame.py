"""What stands around the work in a file of 青空文庫: the title page, the legend of the marks, and the 底本 block.

題名
著者名
                                               (empty line)
-------------------------------------------------------
【テキスト中に現れる記号について】 ...
-------------------------------------------------------
the work
底本：「...」...社
1991（平成3）年2月25日第1刷
入力：...  校正：...  this and that to the end of the file
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

HEAD = 200  # lines in which the legend has to end; it has about ten, title pages about five
MAX_TITLE_PAGE = 20  # lines before the legend
MAX_TITLES = 6  # lines, where a title page has no legend behind it: 題名, 原題, 副題, 著者名, 翻訳者名
MAX_TITLE = 60  # characters of each
COLOPHON = 60  # lines after 底本： among which one has to be of a footer

_RULE = re.compile(r"\s*[-－‐―─]{10,}\s*")
_LEGEND = re.compile("テキスト中に現れる記号|《》|［＃］|：ルビ|入力者注")
_SENTENCE_END = re.compile(r"[。！？」』]\s*$")
_BOOK = re.compile("底本[：:]")
_FOOTER_LINE = re.compile(
    r"(?:入力|校正|再校正|初出|底本の親本|ファイル作成|青空文庫作成ファイル|作成)[：:]"
    r"|[\s　]+\d{4}（|\d{4}年\d{1,2}月\d{1,2}日.{0,6}(?:公開|作成|修正|入力)|このファイルは、インターネットの図書館"
)
_LABEL = re.compile(r"\S{1,12}[：:]|[\s　※＊●・（]")


class Framed(NamedTuple):
    title: str  # first line of the title page as it is written; '' when there is none
    body: str
    ruby: bool  # 《》 are readings: the legend says so, or there is no legend


def unframed(text: str) -> Framed:
    """The work alone. `text` has LF for its line ends.

    Nothing is cut from a text that shows neither the legend nor a footer: it may begin with its first verse.
    """
    lines = text.split("\n")
    end = _footer(lines)
    first, last = _legend(lines[:end])
    if last:
        legend = lines[first:last]
        ruby = any("《" in line for line in legend)
        return Framed(_title(lines[:first]), "\n".join(lines[last:end]), ruby)
    start = _title_page(lines[:end]) if end < len(lines) else 0
    return Framed(_title(lines[:start]), "\n".join(lines[start:end]), True)


def _legend(lines: Sequence[str]) -> tuple[int, int]:
    """Where the legend begins and where what is behind it does; (0, 0) without one."""
    rules = [at for at, line in enumerate(lines[:HEAD]) if _RULE.fullmatch(line[:200])]
    if len(rules) < 2 or rules[0] > MAX_TITLE_PAGE:
        return 0, 0
    first, last = rules[:2]
    return (first, last + 1) if any(_LEGEND.search(line) for line in lines[first:last]) else (0, 0)


def _title_page(lines: Sequence[str]) -> int:
    """How many lines a title page without a legend has: a few short ones that are no sentences, and an empty one."""
    for at, line in enumerate(lines[: MAX_TITLES + 1]):
        if not line.strip():
            return at
        if len(line) > MAX_TITLE or _SENTENCE_END.search(line):
            return 0
    return 0


def _title(lines: Sequence[str]) -> str:
    return next((line.strip() for line in lines if line.strip()), "")


def _footer(lines: Sequence[str]) -> int:
    """The line that the last 底本 block begins with; the number of lines when there is none.

    A 底本： in the prose is not followed by a footer; a footer may name several books.
    """
    books = [at for at, line in enumerate(lines) if _BOOK.match(line)]
    if not books or not _is_footer(lines, books[-1]):
        return len(lines)
    start = books[-1]
    for at in reversed(books[:-1]):
        if not all(not line.strip() or _LABEL.match(line) for line in lines[at:start]):
            break
        start = at
    return start


def _is_footer(lines: Sequence[str], book: int) -> bool:
    behind = lines[book + 1 : book + 1 + COLOPHON]
    if any(_FOOTER_LINE.match(line) for line in behind):
        return True
    return lines[book][3:4] in "「『" and not any(line.strip() for line in lines[book + 1 :])
