"""The sentence splitter written plainly, with regular expressions: the twin of `filters.sentences` in its tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_OPENING: Final = "「『（(【〈《［[“‘｢"
_CLOSING: Final = "」』）)】〉》］]”’｣"
_PAIRS: Final = dict(zip(_CLOSING, _OPENING, strict=True))
_BRACKET: Final = re.compile(f"[{re.escape(_OPENING + _CLOSING)}]")
_END: Final = re.compile(rf"[。｡．！？!?‼⁇⁈⁉.]+[\"{re.escape(_CLOSING)}]*")

# A quotation longer than the longest sentence Swallow v1 accepts is a passage with sentences of its own; a bracket
# that was never closed must not swallow the rest of a page either.
_LONGEST_QUOTATION: Final = 200

# What follows a quotation that its sentence goes on with: 「…。」と言った, 「…！」の声, 「…。」、
_GOES_ON: Final = re.compile(
    r"[、，,。｡．]|って|っと|など|なんて|なら|の|を|が|に|と(?!ころ|にかく|ても|はいえ|りあえず)"
    r"|は(?!い)|も(?!う|し|ちろん)|で(?!も|は|すが)|や(?!っぱ|はり)|か(?!ら)|へ(?!え)"
)

# After one of these the mark is part of the name, unless the line ends there.
_NAMES: Final = (
    "モーニング娘。",
    "Yahoo!",
    "Yahoo！",
    "ヤフー！",
    "ラブライブ！",
    "けいおん！",
    "ハイキュー!!",
    "ハイキュー！！",
)

# Two quotations side by side are turns of a dialogue if the first is said rather than named: 「雪国」「伊豆の踊子」 is a list.
_TURN: Final = re.compile(r"(?<=[」』])(?=[「『])")
_SAID: Final = re.compile(r"[。、！？!?…]")

# ♪, （笑） and faces that stand for a sentence's mark.
_FACE_CHARACTERS: Final = re.escape("^´｀`≧≦∀Дω∇▽＾￣ﾟ゜T;；_*＿=＝-−ー><＞＜дoOvm~～〜・☆★'’")
_TAIL: Final = (
    r"(?<=[ぁ-ゖー〜～~w])(?:[♪♫♬]+|（(?:笑|爆笑|苦笑|泣|涙|汗|爆|怒|号泣)）|\((?:笑|爆笑|苦笑|泣|涙|汗|爆|怒|号泣)\)"
    rf"|[（(](?=[^（()）]*[\^´｀`≧≦∀Дω∇▽＾￣ﾟ゜T;；])[{_FACE_CHARACTERS}]{{2,10}}[）)][/／ﾉ]?)"
)
_END_OR_TAIL: Final = re.compile(rf"(?P<end>{_END.pattern})|(?P<tail>{_TAIL})")
_STARTS: Final = re.compile(
    rf"\s*(?!{_GOES_ON.pattern}|けど|けれど|から|ので|のに|し、|とか)[ぁ-ゖァ-ヺー々〆〇㐀-䶿一-鿿{re.escape(_OPENING)}]"
)

_ALNUM: Final = re.compile(r"[0-9A-Za-z０-９Ａ-Ｚａ-ｚ]")
_ENUMERATOR: Final = re.compile(r"(?:^|[\s　「『（(【［\[■●○◆◇・第])[0-9A-Za-z０-９Ａ-Ｚａ-ｚ]{1,4}$")
_JAPANESE: Final = re.compile(r"[ぁ-ゖァ-ヺー々〆〇㐀-䶿一-鿿]")


def split(text: str) -> list[str]:
    """The sentences of `text` in order, stripped, none empty. Without white space they join to the text again."""
    return [sentence for line in text.split("\n") for sentence in _sentences(line.strip()) if sentence]


def _sentences(line: str) -> Iterator[str]:
    start = 0
    for end in _ends(line):
        yield line[start:end].strip()
        start = end
    yield line[start:].strip()


def _ends(line: str) -> Iterator[int]:
    """Positions behind the sentences of a line, in order."""
    quotations = _quotations(line)
    if not quotations:
        return _marked_ends(line, [])
    turns = (last for first, last in quotations if _TURN.match(line, last) and _SAID.search(line, first, last))
    return iter(sorted({*turns, *_marked_ends(line, quotations)}))


def _marked_ends(line: str, quoted: list[tuple[int, int]]) -> Iterator[int]:
    nowhere = (len(line), len(line))
    quotations = iter(quoted)
    first, last = next(quotations, nowhere)
    start = 0
    for match in _END_OR_TAIL.finditer(line):
        while last < match.start() + (match["end"] is None):
            first, last = next(quotations, nowhere)
        if match["end"] is None:
            ends = start < match.start() and not first < match.start() < last and _STARTS.match(line, match.end())
        elif first < match.start() < last:
            ends = match.end() >= last and not _goes_on(line, start, first, match.end())
        else:
            ends = _is_end(line, start, match)
        if ends:
            start = match.end()
            yield start


def _quotations(line: str) -> list[tuple[int, int]]:
    """(first, behind the last) position of the outermost closed brackets of at most `_LONGEST_QUOTATION` characters."""
    found: list[tuple[int, int]] = []
    opened: list[int] = []
    for match in _BRACKET.finditer(line):
        mark, at = match.group(), match.start()
        if mark in _OPENING:
            opened.append(at)
        elif opened and line[opened[-1]] == _PAIRS[mark]:
            first = opened.pop()
            if at - first <= _LONGEST_QUOTATION:
                while found and found[-1][0] > first:  # a bracket within this one
                    found.pop()
                found.append((first, at + 1))
    return found


def _goes_on(line: str, start: int, first: int, last: int) -> bool:
    """Whether the sentence from `start` goes on behind the quotation or aside from `first` to `last`."""
    aside = line[first] in "（(" and bool(line[start:first].strip())
    return aside or bool(_GOES_ON.match(line, last))


def _is_end(line: str, start: int, match: re.Match[str]) -> bool:
    """Whether the marks of `match`, outside of every bracket, end the sentence from `start`."""
    mark, end = match.group(), match.end()
    if end == len(line):
        return True
    if mark[0] in ".．":
        before = line[max(start, match.start() - 16) : match.start()]
        return _is_full_stop(mark, before, line[end])
    if mark in "!?" and line[end].isascii() and line[end].isalnum():
        return False
    return line[end] != "を" and not line.endswith(_NAMES, start, end)


def _is_full_stop(mark: str, before: str, after: str) -> bool:
    """Whether `mark`, which begins with . or ．, ends a sentence rather than a number, an enumerator or a host name."""
    if mark == "．" and _ALNUM.match(before[-1:]):
        return not _ALNUM.match(after) and not _ENUMERATOR.search(before)
    if mark == ".":
        return bool(_JAPANESE.match(before[-1:])) and not _ALNUM.match(after)
    return set(mark) != {"."}  # ... is an ellipsis
