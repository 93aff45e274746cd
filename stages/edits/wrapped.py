"""Hard-wrapped lines joined: mail magazines, e-texts and PDF text, whose lines are cut at a fixed width mid-sentence.

The one edit that can do harm, so it asks the text for evidence that a machine, not an author, cut its lines:

- there is a width of 40 to 120 columns that lines fill: with the next line's first word they would be wider
- six breaks inside sentences or more are at such lines, and a third of them all
- some cut a word in two (漢｜字, カタ｜カナ), which an author who breaks lines at phrases does not, and few come after 、,
  where that author breaks
- the lines are prose: a third of them have a 、 or 。 inside, which titles and names have not
- some of the next lines begin as no sentence does, with を or る; those of excerpts cut at one length do not

Then a break is undone where the line is full, does not end a sentence, and the next does not begin like an item, a
heading, a quotation or an indented paragraph; and only in blocks of lines half of which are full. Poems, dialogue, lists,
addresses and tables have lines of all lengths; code and English are left alone. Where it is not clear whether a blank
belongs between (two digits; a Latin word that ends just at the width), the break stays.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from stages.edits.base import edit
from stages.spans import Span

MIN_WIDTH, MAX_WIDTH = 40, 120  # columns, two for a full-width character
MIN_BREAKS = 6  # at full lines
MIN_FULL = 1 / 3  # of the breaks inside sentences; PDF text has notes and formulas on lines of their own
MIN_FULL_IN_BLOCK = 1 / 2
# Shares in running text: of 0.58 million characters of web pages and literature, in lines of 35 characters.
MIN_CUT = 0.07  # of the full breaks; .23 of all places in running text
MAX_COMMA = 0.4  # of the full breaks; .02 of all places in running text, most of those that an author chooses
MIN_PUNCTUATED = 1 / 3  # of the full lines; .96 in running text
MIN_GOING_ON = 0.1  # of the full breaks; .31 in running text
HANG = 2  # columns that a 、 may hang over

_JAPANESE = "々〆ヶ\u3041-\u3096\u309d\u309e\u30a1-\u30fe\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_LATIN = "0-9A-Za-z０-９Ａ-Ｚａ-ｚ"
# What is before it does not end a sentence, and what is behind it can go on with one. The line has 20 characters or more.
_BREAK = re.compile(
    f"\n(?<=[^\n]{{19}}[{_JAPANESE}{_LATIN}、，・,）)」』％%]\n)(?=[{_JAPANESE}{_LATIN}、。，．・」』）])"
)
_ITEM = re.compile(
    "(?:[0-9０-９]{1,3}|[A-Za-zＡ-Ｚａ-ｚ]|[一二三四五六七八九十]{1,3}|[ア-ン])[.．、)）](?![0-9０-９])|・"
    "|第[0-9０-９一二三四五六七八九十百]{1,4}[条章節回部編話巻]|[0-9]{1,4}[/-][0-9]|[^。、\n]{1,10}[:：]"
)
_NOT_PROSE = re.compile("https?://|\t|  |\u3000.*\u3000|[|｜│┃─━═{};<>=＝]|[.…‥・]{4}")
_CUT_WORD = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]{2}|[\u30a1-\u30fe]{2}")
_PUNCTUATION = re.compile("[、。，．](?!$)")
# Characters of 31 % of running text and 2 % of the beginnings of its sentences.
_NEVER_FIRST = "うえがくけすでてにのはばへめゃゅょらりるれろをんっッャュョルムンー、。，．」』）"
_HALF = re.compile("[\uff61-\uff9f]")
# What is never cut: a Latin word, or a character with those that may not begin a line (JIS X 4051, 行頭禁則文字).
_FIRST_WORD = re.compile(
    "[!-~]{1,30}|.[、。，．・：；？！」』）】］〉》)\\]!?々ーぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮ]{0,2}"
)


class Break(NamedTuple):
    """A line end that seems to be inside a sentence."""

    at: int
    block: int  # number of the block of lines, between empty lines, that it is in
    line: str
    following: str
    width: int  # columns of the line
    with_next: int  # columns if the following line's first word were on it too

    def fills(self, width: int) -> bool:
        """Whether it could take no more. Latin letters of PDF text are narrower than a column, so with them it had more."""
        return width < self.with_next and self.width <= width + HANG + min(8, sum(map(str.isascii, self.line)))


@edit("hard_wraps")
def lines(text: str) -> list[Span]:
    """Line ends inside sentences out, or a blank for them between Latin words, where a machine and no author has cut them.

    一定の幅で機械的に折り返された行をつなぐ。詩、会話、箇条書き、住所はそのまま残す。

    change: 商店街の会合では、来年度の催しについて長い話し\\n
        合いが続いた。会計の佐藤さんによると、会費の収\\n
        入は三年続けて減っており、このままでは夏祭りの\\n
        花火を続けられないおそれがあるという。出席した\\n
        店主からは、寄付を募ってはどうかという意見が出\\n
        たが、負担を心配する声も根強く、結論は次の会合\\n
        に持ち越された。秋の大売り出しは、例年どおり十\\n
        月の連休に行うことが決まった。 => 商店街の会合では、来年度の催しについて長い話し合いが続いた。会計の佐藤さんによると、会費の収入は三年続け
        て減っており、このままでは夏祭りの花火を続けられないおそれがあるという。出席した店主からは、寄付を募って
        はどうかという意見が出たが、負担を心配する声も根強く、結論は次の会合に持ち越された。秋の大売り出しは、例
        年どおり十月の連休に行うことが決まった。
    keep: 春の小川は\\nさらさら行くよ\\n岸のすみれや\\nれんげの花に
    """
    ends = _ends(text) if text.count("\n") >= MIN_BREAKS else []
    if len(ends) < MIN_BREAKS:  # the usual case
        return []
    breaks = list(_breaks(text, ends))
    width = _width(breaks)
    full = [b for b in breaks if b.fills(width)]
    if not _enough(full, breaks):
        return []
    full = [b for b in full if _is_prose(b) and _goes_on(b.following)]
    if not _enough(full, breaks) or not _is_mechanical(full):
        return []
    of_block, full_in_block = Counter(b.block for b in breaks), Counter(b.block for b in full)
    undone = [b for b in full if full_in_block[b.block] >= MIN_FULL_IN_BLOCK * of_block[b.block]]
    return [(b.at, b.at + 1, glue) for b in undone if (glue := _glue(b, width)) is not None]


def _enough(full: Sequence[Break], breaks: Sequence[Break]) -> bool:
    return len(full) >= max(MIN_BREAKS, MIN_FULL * len(breaks))


def _ends(text: str) -> list[tuple[int, int]]:
    """Start and end of the lines that seem to end inside a sentence and may have 40 columns."""
    return [(text.rfind("\n", 0, end.start()) + 1, end.start()) for end in _BREAK.finditer(text)]


def _breaks(text: str, ends: Sequence[tuple[int, int]]) -> Iterator[Break]:
    block = before = 0
    for start, at in ends:
        block += "\n\n" in text[before:start]
        before = start
        line = text[start:at]
        width = _columns(line)
        if MIN_WIDTH <= width <= MAX_WIDTH:
            end = text.find("\n", at + 1)
            following = text[at + 1 : end if end >= 0 else len(text)]
            yield Break(at, block, line, following, width, width + _columns(_FIRST_WORD.findall(following[:30])[0]))


def _columns(line: str) -> int:
    """East Asian width: a Japanese character is three bytes of UTF-8 and two columns, an ASCII one is one and one."""
    columns = (len(line.encode("utf-8", "surrogatepass")) + len(line)) // 2
    return columns - len(_HALF.findall(line)) if _HALF.search(line) else columns


def _is_prose(found: Break) -> bool:
    """Not a line of code, a table, a menu or an address; at least a third of its characters full width."""
    return found.width >= 4 / 3 * len(found.line) and not _NOT_PROSE.search(found.line)


def _goes_on(following: str) -> bool:
    """Whether a line may go on with the one before: no longer than that may be, no item, heading or speaker's words."""
    return len(following) <= MAX_WIDTH and not _NOT_PROSE.search(following) and not _ITEM.match(following)


def _width(breaks: Sequence[Break]) -> int:
    """The number of columns that most breaks fill, the least of several."""
    changes = [0] * (MAX_WIDTH + 2)
    for b in breaks:
        changes[b.width] += 1
        changes[min(b.with_next, MAX_WIDTH + 1)] -= 1
    filled = list(accumulate(changes))
    return filled.index(max(filled))


def _is_mechanical(full: Sequence[Break]) -> bool:
    cut = sum(bool(_CUT_WORD.fullmatch(b.line[-1] + b.following[0])) for b in full)
    commas = sum(b.line[-1] in "、，" for b in full)
    punctuated = sum(bool(_PUNCTUATION.search(b.line)) for b in full)
    going_on = sum(b.following[0] in _NEVER_FIRST for b in full)
    return (
        cut >= MIN_CUT * len(full)
        and commas <= MAX_COMMA * len(full)
        and punctuated >= MIN_PUNCTUATED * len(full)
        and going_on >= MIN_GOING_ON * len(full)
    )


def _glue(found: Break, width: int) -> str | None:
    """What to put for a line end; None where that is not clear."""
    before, behind = found.line[-1], found.following[0]
    if not (before.isascii() and behind.isascii()):
        return ""
    if (before.isdigit() and behind.isdigit()) or (found.width == width and before.isalnum()):
        return None
    return " "
