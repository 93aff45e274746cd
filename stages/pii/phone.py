"""Telephone and fax numbers of Japan, by the public numbering plan (電気通信番号計画, 総務省).

A national number is 0, an area code 市外局番 of one to four digits, an exchange 市内局番 and four digits: ten in all. IP
and mobile telephones have eleven: 050, 060, 070, 080, 090 and, for machines and pagers, 020.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from stages.pii.base import Wording, kind
from stages.pii.numbers import Group, extent, is_labelled, numbers, stands_alone
from stages.spans import Span

# Area codes: '017:23456789' is 0172 to 0179. Codes that gave way to shorter ones (0472 for 043) are in: pages are old.
_FOUR = """
    012:3456 013:3456789 014:23456 015:2345678 016:234567 017:23456789 018:2345678 019:12345678 022:0123456789
    023:3456780 024:0123456789 025:0234567890 026:0123456789 027:023467890 028:0234567890 029:1234567890
    042:0234567890 043:2346789 046:023456780 047:01345678902 048:0234567890 049:23459 053:123456789 054:23456789
    055:0123456789 056:0123456789 057:123456789 058:1234567 059:23456789 072:0123456789 073:456789 074:023456789
    076:12345678 077:01234567890 079:0123456789 082:0234567890 083:23456789 084:56789 085:2345678901 086:123456789
    087:2345679 088:03456789 089:23456789 092:02346789 093:0 094:0234679 094:8 095:0234567890 096:2345678901
    097:234567890 098:023456789 099:2345678
"""
_THREE = """
    011 015 017 018 019 022 023 024 025 026 027 028 029 042 043 044 045 046 047 048 049 052 053 054 055 058 059 072 073
    075 076 077 078 079 082 083 084 086 087 088 089 092 093 095 096 097 098 099
"""
# Five digits: few are left, in the mountains and on islands.
_FIVE = """
    01267 01372 01374 01377 01392 01397 01398 01456 01457 01466 01547 01548 01558 01564 01586 01587 01632 01634 01635
    01648 01654 01655 01656 01658 04992 04994 04996 04998 05769 05979 07468 08387 08388 08396 08477 08512 08514 09496
    09802 09912 09913 09969
"""
AREAS = frozenset(
    ["03", "04", "06", *_THREE.split(), *_FIVE.split()]
    + [f"{code}{last}" for code, lasts in (entry.split(":") for entry in _FOUR.split()) for last in lasts]
)
_OF_PERSONS = ("050", "060", "070", "080", "090")
_WORDS = re.compile(
    "(?<!<)(?:電話|でんわ|携帯|ケータイ|ファッ?クス|ファクシミリ|連絡先|問い?合わ?せ|直通|ダイヤル|[℡☎☏📞📱📠]"
    "|(?<![A-Za-zＡ-Ｚａ-ｚ])(?:(?:tele)?phone|tel|fax|mobile|ＴＥＬ|ＦＡＸ)(?![A-Za-zＡ-Ｚａ-ｚ]))",
    re.IGNORECASE,
)
# What may stand between the two or three groups of one number, blanks apart.
_SEPARATORS = frozenset(
    {("-", "-"), (" ", " "), (" ", "-"), (".", "."), ("・", "・"), ("(", ")"), (")", "-"), (")", " ")}
)
_SEPARATORS_WIDE = _SEPARATORS | {
    ("(", ")-"),
    (")-", "-"),
    (")", ""),
    ("-(", ")"),
    ("-(", ")-"),
    ("-", ")"),
    (")", "."),
}


@kind("<電話番号>", default=True)
def phone(text: str) -> Iterable[Span]:
    """電話番号 and FAX: fixed lines of an existing 市外局番, 020, 050 to 090, and +81; full-width or not.

    Numbers of services, which no person has, stay: 0120, 0800, 0570, 0990. Ten digits in one piece are masked only beside
    wording of telephones, eleven of a mobile telephone anywhere but in a path or behind a label such as 注文番号.

    keep: フリーダイヤル 0120-123-456、ナビダイヤル 0570-000-000
    keep: 0800-123-4567（通話無料）
    keep: 〒060-0042 札幌市中央区大通西1丁目
    keep: 定価 1,234円（税込 1,357円）、2024-03-15 09:00-17:00
    keep: ISBN 4-06-123456-7、型番 03-1234-5678、品番A03-1234-5678
    keep: 注文番号：09012345678
    keep: 北緯35.681236 東経139.767125
    keep: 0312345678 個のデータ、0.0312345678
    keep: 02-1234-5678 という市外局番はない。
    mask: TEL 03-1234-5678
    mask: 電話：（０４２２）１２－３４５６
    mask: お電話は0312345678まで。
    mask: 携帯 09012345678
    mask: 090―1234―5678
    mask: 札幌 011(234)5678
    mask: TEL.03-1234-5678/FAX.03-1234-5679
    mask: +81-3-1234-5678
    mask: ＋８１（０）９０－１２３４－５６７８
    mask: 04992-2-1234
    misfire: 問題 03-1234-5678 を解け。
    missed: 0312345678 （受付時間は平日のみ）
    missed: 電話 +1-202-555-0100
    """
    words = Wording(text, _WORDS)

    def judge(text: str, groups: Sequence[Group], at: int) -> int:
        skipped, first = _country(text, groups, at)
        if not first.startswith("0"):
            return 0
        for count in (3, 2, 1):
            found = groups[at + skipped : at + skipped + count]
            digits = (first, *(group.digits for group in found[1:]))
            if len(found) < count or not _is_joined(found) or not _is_national(digits, bool(skipped)):
                continue
            start, end = extent(text, groups[at], found[-1])
            if count == 1 and not _is_telephone(text, start, first, words):
                continue
            if stands_alone(text, start, end) and not is_labelled(text, start):
                return skipped + count
        return 0

    yield from numbers(text, judge, phone.placeholders[0])


def _country(text: str, groups: Sequence[Group], at: int) -> tuple[int, str]:
    """How many groups of an international number stand before the national one, and the first of that, with its 0."""
    group = groups[at]
    if not (group.start and text[group.start - 1] in "+＋"):
        return 0, group.digits
    if not group.digits.startswith("81"):
        return 0, ""
    if group.digits != "81":  # in one piece: +819012345678; +813-1234-5678
        return 0, "0" + group.digits[2:]
    rest = groups[at + 1 : at + 3]
    if len(rest) == 2 and rest[0].digits == "0" and rest[0].then.startswith(")"):  # +81(0)3
        return 2, "0" + rest[1].digits
    return 1, ("0" + rest[0].digits.removeprefix("0")) if rest else ""


def _is_joined(groups: Sequence[Group]) -> bool:
    between = tuple(group.then for group in groups[:-1])
    return len(between) < 2 or between in _SEPARATORS_WIDE


def _is_national(groups: Sequence[str], international: bool) -> bool:
    """Whether groups of digits have the form of a number of one person or house."""
    digits, shape = "".join(groups), tuple(map(len, groups))
    if len(digits) == 11 and digits.startswith(_OF_PERSONS):
        return shape in ((3, 4, 4), (3, 8), (7, 4)) or (shape == (11,) and digits[3] != "0")
    if len(digits) == 11 and digits.startswith("020"):
        return shape in ((3, 3, 5), (3, 4, 4), (3, 8))
    if len(digits) != 10:
        return False
    if len(groups) == 1 or shape == (6, 4):
        return any(digits[:length] in AREAS for length in range(2, 6)) and not digits.startswith(
            ("0120", "0570", "0990")
        )
    return groups[0] in AREAS and (len(groups) == 2 or shape[2] == 4)


def _is_telephone(text: str, start: int, digits: str, words: Wording) -> bool:
    """Whether digits in one piece are a number to call: not in a path or formula, and wording where they might be else."""
    if words.before(start, 1):
        return True
    international = text[start] in "+＋"
    return (international or len(digits) == 11) and text[start - 1 : start] not in ("/", "／", "*", "×", "-")
