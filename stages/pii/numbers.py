"""Numbers written in groups of digits, as cards, My Numbers and telephone numbers are; and the first two of these."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from stages.pii.base import DIGITS, HYPHENS, Wording, kind
from stages.spans import Span
from stages.widths import fold, narrow

LEAST = 10  # digits of the shortest number of any kind
_BETWEEN = f"[{HYPHENS}.．・ \u3000\u00a0()（）]{{0,3}}+"
NINE_MORE = f"(?:{_BETWEEN}[{DIGITS}]){{{LEAST - 1}}}"  # pattern of what is behind the first digit of such a number
_RUN = re.compile(f"[{DIGITS}]{NINE_MORE}(?:{_BETWEEN}[{DIGITS}])*+")
_GROUP = re.compile(f"[{DIGITS}]++")

# A number that goes on to the left or right is not the number it looks like: part of an id, a price, a formula, a path.
_PLACEHOLDER = r"<[^<>\s]{2,8}>"
_GLUED_BEFORE = re.compile(rf"[A-Za-z0-9._=%#&?$\\¥]$|[A-Za-z0-9>]-$|{_PLACEHOLDER}$")
_GLUED_BEHIND = re.compile(rf"[A-Za-z0-9_%=]|[-.]\d|-?{_PLACEHOLDER}|-[A-Za-z]|[万億]?円")
_WORD_BEFORE = re.compile(r"(?:tel|fax|phone|mobile|call)[.:]?-?$", re.IGNORECASE)
_WORD_BEHIND = re.compile(r"(?:tel|fax|mobile|phone|e-?mail|mail|https?:|url)", re.IGNORECASE)
# A fourth or fifth group of four digits, or what was one: a row of numbers rather than one number in groups.
_ROW_BEFORE = re.compile(rf"(?:(?<![\d-])\d{{4}}|{_PLACEHOLDER})(?: {{1,3}}| ?- ?)$")
_ROW_BEHIND = re.compile(rf"(?: {{1,3}}| ?- ?)(?:\d{{4}}(?!\d)|{_PLACEHOLDER})")
# The label of a number of another kind, directly before it.
_LABEL = re.compile(
    "(?:(?<!電話)(?<!携帯)(?<!ックス)(?<!ァクス)(?<!クシミリ)(?<!FAX)(?<!TEL)(?<!個人)(?<!カード)(?<!絡先)(?<!直通)(?<!わせ)(?<!合せ)"
    "番号|型番|品番|型式|形式|機種|ロット|シリアル|バーコード|(?<!QR)コード|郵便|〒"
    "|(?<![A-Za-z.])(?:ISBN|ISSN|JAN|EAN|ASIN|DOI|ID|code)"
    "|(?<![A-Za-z.])(?<!電話)(?<!携帯)(?<!TEL )(?<!FAX )(?<!TEL)(?<!FAX)(?:No[.]?|№))"
    "[\\s:は、\"'「『【】\\[\\]()=/|」』-]{0,4}$",
    re.IGNORECASE,
)
CONTEXT = 24  # characters; more than the longest label with what may stand behind it


class Group(NamedTuple):
    """A group of digits: where it is, the digits in ASCII, and what stands between it and the next one."""

    start: int
    end: int
    digits: str
    then: str  # folded, without blanks; ' ' for blanks alone; '' at the end of the run


# (text, groups, at) -> how many of the groups from `at` on are a number of the kind that is looked for; 0 for none.
Judge = Callable[[str, Sequence[Group], int], int]


def runs(text: str) -> Iterator[list[Group]]:
    """Runs of groups with `LEAST` digits or more, left to right. O(len(text))."""
    for run in _RUN.finditer(text):
        places = [found.span() for found in _GROUP.finditer(text, *run.span())]
        yield [
            Group(start, end, fold(text[start:end]), _separator(text[end:following]))
            for (start, end), following in zip(
                places, [*(start for start, _ in places[1:]), places[-1][1]], strict=True
            )
        ]


def _separator(between: str) -> str:
    return fold(between).replace(" ", "") or (" " if between else "")


def numbers(text: str, judge: Judge, placeholder: str) -> Iterator[Span]:
    """The numbers that `judge` finds, the leftmost first; it sees at most a handful of groups at a time."""
    for groups in runs(text):
        at = 0
        while at < len(groups):
            count = judge(text, groups, at)
            if count:
                yield (*extent(text, groups[at], groups[at + count - 1]), placeholder)
            at += count or 1


def extent(text: str, first: Group, last: Group) -> tuple[int, int]:
    """From the bracket or plus sign that belongs to the number to its last digit."""
    start = first.start
    if start and text[start - 1] in "+＋":
        start -= 1
    if start and text[start - 1] in "(（" and first.then.startswith(")"):
        start -= 1
    return start, last.end


def stands_alone(text: str, start: int, end: int) -> bool:
    """Whether [start, end) is a number of its own: nothing of a longer number or word is glued to it."""
    before = fold(text[max(0, start - CONTEXT) : start])
    if _GLUED_BEFORE.search(before) and not _WORD_BEFORE.search(before):
        return False
    behind = fold(text[end : end + CONTEXT])
    return not _GLUED_BEHIND.match(behind) or bool(_WORD_BEHIND.match(behind))


def is_labelled(text: str, start: int) -> bool:
    """Whether the number at `start` is said to be another one: 注文番号, 型番, ISBN, 〒, No."""
    return bool(_LABEL.search(narrow(text[max(0, start - CONTEXT) : start])))


_MY_NUMBER = re.compile("(?<!<)(?:マイ・?ナンバー|個人番号|(?<![A-Za-z])My ?Number)", re.IGNORECASE)


@kind("<マイナンバー>", default=True)
def my_number(text: str) -> Iterable[Span]:
    """マイナンバー: 12 digits with their check digit, and マイナンバー or 個人番号 within two sentence or line ends.

    Check digit: 総務省令第85号 (平成26年) 第5条. One number in eleven passes it, so the wording is asked for too.

    keep: 受付は123456789018番です。
    keep: マイナンバー制度は、2015年10月5日から番号が通知されました。
    keep: 個人番号カードの申請書ID: 123456789018
    mask: マイナンバー：1234 5678 9018
    mask: 個人番号は１２３４－５６７８－９０１８です。
    misfire: マイナンバーの案内は 123456789018 件ありました。
    missed: 番号 1234 5678 9018
    """
    if not _MY_NUMBER.search(text):
        return
    words = Wording(text, _MY_NUMBER)

    def judge(text: str, groups: Sequence[Group], at: int) -> int:
        count = _shape(text, groups, at, ((4, 4, 4), (12,)))
        digits = "".join(group.digits for group in groups[at : at + count])
        if not count or len(set(digits)) == 1 or my_number_check(digits[:-1]) != int(digits[-1]):
            return 0
        start, end = groups[at].start, groups[at + count - 1].end
        near = words.before(start, 2) or words.behind(start)
        return count if near and stands_alone(text, start, end) and not is_labelled(text, start) else 0

    yield from numbers(text, judge, my_number.placeholders[0])


def my_number_check(eleven: str) -> int:
    """The check digit of the first eleven digits of a My Number."""
    weights = (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)
    rest = sum(int(digit) * weight for digit, weight in zip(eleven, weights, strict=True)) % 11
    return 0 if rest <= 1 else 11 - rest


_CARD_WORDS = re.compile(
    "(?<!<)(?:クレジット|カード番号|デビット|(?<![A-Za-z])(?:visa|master ?card|amex|jcb|diners|credit|card)(?![A-Za-z]))",
    re.IGNORECASE,
)
_CARD_SHAPES = ((4, 4, 4, 4, 3), (4, 4, 4, 4), (4, 6, 5), (4, 6, 4), *((n,) for n in range(13, 20)))
# Issuer prefixes (lowest, highest) and the lengths they come in: ISO/IEC 7812 ranges as the brands publish them.
_ISSUERS = (
    ("4", "4", (13, 16, 19)),  # Visa
    ("51", "55", (16,)),  # Mastercard
    ("2221", "2720", (16,)),
    ("34", "34", (15,)),  # American Express
    ("37", "37", (15,)),
    ("3528", "3589", (16, 17, 18, 19)),  # JCB
    ("300", "305", (14, 16)),  # Diners Club
    ("3095", "3095", (14, 16)),
    ("36", "36", (14, 16)),
    ("38", "39", (14, 16)),
    ("6011", "6011", (16, 19)),  # Discover
    ("644", "659", (16, 19)),
    ("62", "62", (16, 17, 18, 19)),  # UnionPay
    ("81", "81", (16, 17, 18, 19)),
)


@kind("<カード番号>", default=True)
def card(text: str) -> Iterable[Span]:
    """Card numbers: 14 to 19 digits of an issuer's range with a valid Luhn digit, in one piece or in a card's groups.

    Of 13 digits (old Visa cards) only beside wording of cards: JAN codes and 法人番号 have 13 digits too.

    keep: JANコード 4901234567894
    keep: 法人番号 4010001000009
    keep: 注文番号：4111111111111111
    keep: ISBN978-4-00-000000-8
    keep: 送り状 4111-1111-1111-1112
    mask: カード番号：4111 1111 1111 1111（有効期限 12/29）
    mask: ４１１１－１１１１－１１１１－１１１１
    mask: 3782-822463-10005
    misfire: 四半期の売上は 4000 1200 3400 5601 でした。
    missed: 4111 1111 1111 1111 4242 4242 4242 4242
    """
    words = Wording(text, _CARD_WORDS)

    def judge(text: str, groups: Sequence[Group], at: int) -> int:
        count = _shape(text, groups, at, _CARD_SHAPES)
        digits = "".join(group.digits for group in groups[at : at + count])
        if not count or not _is_card(digits):
            return 0
        start, end = groups[at].start, groups[at + count - 1].end
        if len(digits) == 13 and not words.before(start, 1):
            return 0
        return count if stands_alone(text, start, end) and not is_labelled(text, start) else 0

    yield from numbers(text, judge, card.placeholders[0])


def _is_card(digits: str) -> bool:
    fits = any(low <= digits[: len(low)] <= high and len(digits) in lengths for low, high, lengths in _ISSUERS)
    return fits and luhn(digits)


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    doubled = [int(digit) * 2 for digit in digits[-2::-2]]
    return sum(map(int, digits[-1::-2]), sum(n - 9 if n > 9 else n for n in doubled)) % 10 == 0


def _shape(text: str, groups: Sequence[Group], at: int, shapes: Iterable[tuple[int, ...]]) -> int:
    """How many groups from `at` on have one of the shapes, with one separator between them, blank or hyphen."""
    for shape in shapes:
        found = groups[at : at + len(shape)]
        if tuple(len(group.digits) for group in found) == shape:
            between = {group.then for group in found[:-1]}
            if not between or (between in ({" "}, {"-"}) and not _is_in_row(text, found[0].start, found[-1].end)):
                return len(shape)
    return 0


def _is_in_row(text: str, start: int, end: int) -> bool:
    before, behind = fold(text[max(0, start - CONTEXT) : start]), fold(text[end : end + CONTEXT])
    return bool(_ROW_BEFORE.search(before) or _ROW_BEHIND.match(behind))
