"""Lists of phrases, all looked for in one pass, with script boundaries: サック is in no リュックサック, スパ in no アスパラガス.

Japanese writes no spaces, so a substring is not a word. Where a phrase begins or ends in katakana or Latin letters, the
neighbouring character must not be of the same script; kanji and hiragana edges match anywhere, so write those phrases
long enough to mean one thing. Case and width of letters make no difference.

A trie walked from every character, and not Aho-Corasick: nearly every walk ends at its first character, phrases are
shorter than 32 characters, and there are no failure links to build. O(len(text)) all the same.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from filters.kernels import kernel
from filters.layout import Layout
from filters.text import Text

FOLDER: Final = Path(__file__).parent / "lists"
LONGEST: Final = 32  # characters of a phrase
_BMP: Final = 1 << 16
_SCRIPTS: Final = ("ァ-ヺ ー-ー ｦ-ﾟ", "A-Z a-z Ａ-Ｚ ａ-ｚ")


class Trie(NamedTuple):
    """Children of a node stand side by side; `list` and `phrase` are -1 where no phrase ends."""

    symbol: NDArray[np.uint16]  # (65536,): code point -> letter of the trie's alphabet, 0 for all others
    root: NDArray[np.int32]  # (letters,): letter -> node, 0 for none
    first: NDArray[np.int32]  # (nodes + 1,): node -> its first place in the two below
    letter: NDArray[np.uint16]  # (edges,)
    child: NDArray[np.int32]  # (edges,)
    phrase: NDArray[np.int32]  # (nodes,)


@dataclass(frozen=True, eq=False)
class Phrases:
    """Named lists. `of_phrase`: the lists that each phrase stands in, as bits."""

    names: tuple[str, ...]
    of_phrase: NDArray[np.uint32]  # (phrases,)
    trie: Trie

    def find(self, text: Text) -> Found:
        return Found(self, _find(text.codes, _EDGE, *self.trie))


@dataclass(frozen=True, eq=False)
class Found:
    """What stands in one text. hits: (start, end, phrase) by start, of each start the shorter first."""

    phrases: Phrases
    hits: NDArray[np.int64]

    def count(self, *names: str) -> Count:
        """What stands of these lists together."""
        return Count(*_count(self.hits, self.phrases.of_phrase, self._bits(*names)))

    def line_characters(self, name: str, lines: Layout, longest: int) -> int:
        """Characters of the lines up to `longest` that have a phrase of the list and no 。"""
        start, end, kuten = lines.start, lines.end, lines.kuten
        return int(_lines(self.hits, self.phrases.of_phrase, self._bits(name), start, end, kuten, longest))

    def _bits(self, *names: str) -> np.uint32:
        return np.uint32(sum(1 << self.phrases.names.index(name) for name in names))


class Count(NamedTuple):
    characters: int  # that stand in a phrase, each once
    different: int  # phrases that occur


def found(text: Text) -> Found:
    """The package's own lists in `text`, looked for once."""
    return text.once("listed", lambda: built_in().find(text))


@cache
def built_in() -> Phrases:
    return read(sorted(FOLDER.glob("*.txt")))


def sha256(*names: str) -> Mapping[str, str]:
    """Name -> sha256 of the file, for the fingerprint of a family that reads these lists."""
    return {f"lists/{n}.txt": hashlib.sha256((FOLDER / f"{n}.txt").read_bytes()).hexdigest() for n in names}


def read(paths: Sequence[Path]) -> Phrases:
    """Files of phrases: white space between them, a line that begins with # is prose; the file's stem is the name.

    Raises ValueError, naming the file, for a phrase of one character, of more than 32, or beyond the BMP.
    """
    return compiled({path.stem: phrases(path) for path in paths})


def phrases(path: Path) -> list[str]:
    """What stands in one file, as it is written there; ValueError as `read`."""
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    found = [phrase for line in lines if not line.lstrip().startswith("#") for phrase in line.split()]
    for phrase in found:
        if not 2 <= len(phrase) <= LONGEST or max(phrase) >= chr(_BMP):
            raise ValueError(f"{path}: {phrase!r} is no phrase of 2 to {LONGEST} characters of the BMP")
    return found


def compiled(lists: Mapping[str, Sequence[str]]) -> Phrases:
    """name -> phrases. A phrase may stand in several lists (at most 32)."""
    bits: dict[str, int] = {}
    for number, listed in enumerate(lists.values()):
        for phrase in listed:
            key = "".join(map(_folded, phrase))
            bits[key] = bits.get(key, 0) | 1 << number
    ordered = sorted(bits)
    return Phrases(tuple(lists), np.array([bits[p] for p in ordered], np.uint32), _trie(ordered))


def _folded(character: str) -> str:
    """Width and case undone, where that leaves one character."""
    folded = unicodedata.normalize("NFKC", character).lower()
    return folded if len(folded) == 1 else character


def _trie(phrases: Sequence[str]) -> Trie:
    letters = {letter: number for number, letter in enumerate(sorted(set("".join(phrases))), 1)}
    symbol = np.zeros(_BMP, np.uint16)
    for code in range(_BMP):
        symbol[code] = letters.get(_folded(chr(code)), 0)
    nodes: list[dict[int, int]] = [{}]
    ends: dict[int, int] = {}
    for number, phrase in enumerate(phrases):
        node = 0
        for character in phrase:
            node = nodes[node].setdefault(letters[character], len(nodes))
            if node == len(nodes):
                nodes.append({})
        ends[node] = number
    root = np.zeros(len(letters) + 1, np.int32)
    root[list(nodes[0])] = list(nodes[0].values())
    edges = [edge for children in nodes for edge in children.items()]
    phrase_at = np.full(len(nodes), -1, np.int32)
    phrase_at[list(ends)] = list(ends.values())
    return Trie(
        symbol,
        root,
        np.cumsum([0, *map(len, nodes)], dtype=np.int32),
        np.array([letter for letter, _ in edges], np.uint16),
        np.array([child for _, child in edges], np.int32),
        phrase_at,
    )


def _edges() -> NDArray[np.uint8]:
    edge = np.zeros(_BMP, np.uint8)
    for number, ranges in enumerate(_SCRIPTS, 1):
        for first, last in (r.split("-") for r in ranges.split()):
            edge[ord(first) : ord(last) + 1] = number
    return edge


_EDGE: Final = _edges()  # code point -> script whose words do not end in the middle of a run, 0 for none


@kernel
def _find(
    codes: NDArray[np.uint32],
    edge: NDArray[np.uint8],
    symbol: NDArray[np.uint16],
    root: NDArray[np.int32],
    first: NDArray[np.int32],
    letter: NDArray[np.uint16],
    child: NDArray[np.int32],
    phrase: NDArray[np.int32],
) -> NDArray[np.int64]:
    hits = np.empty((16, 3), np.int64)
    count = 0
    before = 0  # script of the character before
    for start in range(len(codes)):
        if codes[start] >= 65536:
            before = 0
            continue
        script = edge[codes[start]]
        inside = script != 0 and script == before
        before = script
        node = root[symbol[codes[start]]]
        if node == 0 or inside:
            continue
        end = start + 1
        while node > 0 and end <= len(codes):
            if phrase[node] >= 0:
                last = edge[codes[end - 1]]
                if last == 0 or end == len(codes) or codes[end] >= 65536 or edge[codes[end]] != last:
                    if count == len(hits):
                        grown = np.empty((2 * count, 3), np.int64)
                        grown[:count] = hits
                        hits = grown
                    hits[count, 0], hits[count, 1], hits[count, 2] = start, end, phrase[node]
                    count += 1
            if end == len(codes) or codes[end] >= 65536:
                break
            wanted = symbol[codes[end]]
            following = 0
            for place in range(first[node], first[node + 1]):
                if letter[place] == wanted:
                    following = child[place]
                    break
            node = following
            end += 1
    return hits[:count].copy()


@kernel
def _count(hits: NDArray[np.int64], of_phrase: NDArray[np.uint32], bits: np.uint32) -> tuple[int, int]:
    characters = different = until = 0
    seen = np.zeros(len(of_phrase) if len(hits) else 0, np.bool_)
    for row in range(len(hits)):
        start, end, phrase = hits[row]
        if of_phrase[phrase] & bits:
            characters += max(0, end - max(start, until))
            until = max(until, end)
            different += not seen[phrase]
            seen[phrase] = True
    return characters, different


@kernel
def _lines(
    hits: NDArray[np.int64],
    of_phrase: NDArray[np.uint32],
    bits: np.uint32,
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    kuten: NDArray[np.int64],
    longest: int,
) -> int:
    characters = line = 0
    for row in range(len(hits)):
        if of_phrase[hits[row, 2]] & bits == 0 or hits[row, 0] < start[line]:
            continue
        while hits[row, 0] >= end[line]:
            line += 1
        if kuten[line] == 0 and end[line] - start[line] <= longest:
            characters += end[line] - start[line]
        line += 1
        if line == len(start):
            break
    return characters
