"""Menus at the head of a page and footers at its end, where extraction has left them.

A line is cut only if nothing but wording of menus and footers stands on it, and only in one piece with the head or the
end of the page: a line コメント between two steps of a recipe stays, and so do the steps below it. What a whole page of
such lines is worth is for the filters to say (JA401), so a text is never cut to nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice, takewhile
from pathlib import Path
from typing import Final

from filters.listed import FOLDER, phrases, sha256
from stages.digest import sha256_of
from stages.edits.base import edit
from stages.spans import Span
from stages.widths import narrow

Line = tuple[int, int]  # start and end

_LISTS: Final = (FOLDER / "navigation.txt", Path(__file__).with_suffix(".txt"))
RESOURCES: Final = {**sha256("navigation"), "page_ends.txt": sha256_of(_LISTS[1])}

_LONGEST: Final = 80  # characters of a line of links
_LONGEST_NOTICE: Final = 200  # and of a notice of rights
_MENU: Final = 3  # lines of a menu; one or two at the head are a heading
_BETWEEN: Final = r"[\s|｜/／・･>＞»›«‹≫≪<＜\[\]［］【】()（）▲△▼▽■□●○◆◇★☆→←↑↓⇒:：,、.…0-9０-９+＋-]"
# Names that a text may list as well as a footer: they go with other wording, and not by themselves.
_NAMES: Final = (
    "Facebook",
    "Twitter",
    "X",
    "LINE",
    "Instagram",
    "YouTube",
    "Pocket",
    "RSS",
    "mixi",
    "Feedly",
    "Google",
    "はてな",
    "TikTok",
    "Threads",
    "PR",
)
_RIGHTS: Final = re.compile(
    r"\W*(?:copyright\b|copyrights\b|©|\(c\)|（c）|ⓒ).{0,150}|.{0,150}\ball rights reserved\W*|powered by .{1,40}", re.IGNORECASE
)  # fmt: skip


@edit("footer")
def footer(text: str) -> list[Span]:
    """The last lines out, as long as each is nothing but links, buttons or a notice of rights. ページ末尾の案内の列を除く。

    change: 次回は秋に開きます。\\n\\n前の記事｜次の記事\\nページの先頭へ戻る\\nCopyright (C) 2009 北町図書館 => 次回は秋に開きます。
    keep: 材料を混ぜます。\\nコメント\\n焼き色がついたら取り出します。
    keep: よく使われるものを挙げます。\\nFacebook\\nLINE
    misfire: 見本のページには次の二つを置きました。\\nサイトマップ\\n会社概要 => 見本のページには次の二つを置きました。
    """
    cut = len(_run(text, _from_end(text)))
    kept = next(islice(_from_end(text), cut, None), None) if cut else None
    if kept is None or _is_menu(text, kept[1]):
        return []
    return [(kept[1], len(text), "")]


@edit("menu")
def menu(text: str) -> list[Span]:
    """Three or more first lines out if each is nothing but links. ページ先頭のメニューを除く。

    change: ホーム\\n会社概要\\nお問い合わせ\\n\\n春のお知らせ\\n桜が咲きました。 => 春のお知らせ\\n桜が咲きました。
    keep: お知らせ\\n来週の月曜日は休館します。
    keep: お問い合わせ\\nよくある質問\\n電話での受付は、平日の九時から五時までです。
    misfire: 会社概要\\n採用情報\\nアクセスマップ\\nこの三つの見出しを書き直しました。 => この三つの見出しを書き直しました。
    """
    cut = len(_run(text, _from_start(text)))
    kept = next(islice(_from_start(text), cut, None), None) if cut >= _MENU else None
    return [(0, kept[0], "")] if kept else []


def _is_menu(text: str, end: int) -> bool:
    """Whether nothing but such lines stands before `end`: the page is a menu, and has no end to cut."""
    return all(_weight(text, *line) is not None for line in takewhile(lambda line: line[1] <= end, _from_start(text)))


def _run(text: str, lines: Iterable[Line]) -> list[Line]:
    """The lines, from the first on, that are to go; none behind the last that is more than a name."""
    run: list[Line] = []
    cut = 0
    for line in lines:
        weight = _weight(text, *line)
        if weight is None:
            break
        run.append(line)
        cut = len(run) if weight else cut
    return run[:cut]


def _weight(text: str, start: int, end: int) -> bool | None:
    """None for a line of text; whether a line of links and the like has more than names."""
    if end - start > _LONGEST_NOTICE:
        return None
    line = narrow(text[start:end])
    if _RIGHTS.fullmatch(line):
        return "。" not in line or None
    if end - start > _LONGEST or not _links().fullmatch(line):
        return None
    return bool(_wording().search(line))


def _from_start(text: str) -> Iterator[Line]:
    """The lines that are not blank, without the white space around them."""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = end if end >= 0 else len(text)
        yield from _stripped(text, start, end)
        start = end + 1


def _from_end(text: str) -> Iterator[Line]:
    """The same, the last line first."""
    end = len(text)
    while end >= 0:
        start = text.rfind("\n", 0, end) + 1
        yield from _stripped(text, start, end)
        end = start - 1


def _stripped(text: str, start: int, end: int) -> Iterator[Line]:
    line = text[start:end]
    if stripped := line.strip():
        start += len(line) - len(line.lstrip())
        yield start, start + len(stripped)


def _listed() -> list[str]:
    return [phrase for path in _LISTS for phrase in phrases(path)]


@cache
def _wording() -> re.Pattern[str]:
    return re.compile(_alternatives(_listed()), re.IGNORECASE)


@cache
def _links() -> re.Pattern[str]:
    """A line of wording, names and what stands between them; each taken once and for all, so in linear time."""
    wording = _alternatives([*_listed(), *_NAMES])
    return re.compile(f"(?:(?>{_BETWEEN})|(?>{wording}))++", re.IGNORECASE)


def _alternatives(wording: Iterable[str]) -> str:
    return "|".join(map(re.escape, sorted(set(wording), key=lambda phrase: (-len(phrase), phrase))))
