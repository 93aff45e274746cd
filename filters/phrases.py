"""Lists of phrases, matched with script boundaries: サック is in no リュックサック, スパ in no アスパラガス.

Japanese writes no spaces, so a substring is not a word. Where a phrase begins or ends in katakana or Latin letters, the
neighbouring character must not be of the same script; kanji and hiragana edges match anywhere, so write those phrases
long enough to mean one thing.
"""

from __future__ import annotations

import re
from typing import Final

_SCRIPTS: Final = ("ァ-ヺーｦ-ﾟ", "A-Za-zＡ-Ｚａ-ｚ")


class Phrases:
    """Phrases, written with white space between them, whose occurrences are counted in characters.

    Raises ValueError when a phrase contains another: its characters would count twice.
    """

    def __init__(self, phrases: str) -> None:
        ordered = sorted(set(phrases.split()))
        for phrase in ordered:
            inner = [other for other in ordered if other != phrase and other in phrase]
            if inner:
                raise ValueError(f"the phrase {phrase} contains {inner[0]}, which matches it already; leave one out")
        self._any = re.compile("|".join(map(re.escape, ordered)))
        self._patterns = tuple((phrase, re.compile(_bounded(phrase))) for phrase in ordered)

    def characters(self, text: str) -> int:
        """Characters of `text` that stand in a phrase."""
        # 45 phrases on 1,800 characters: the plain alternation 16 us, 45 times `in` 67 us, one with boundaries 720 us.
        if not self._any.search(text):
            return 0
        return sum(len(phrase) * len(pattern.findall(text)) for phrase, pattern in self._patterns if phrase in text)


def _bounded(phrase: str) -> str:
    pattern = re.escape(phrase)
    for script in _SCRIPTS:
        if re.match(f"[{script}]", phrase):
            pattern = f"(?<![{script}]){pattern}"
        if re.search(f"[{script}]$", phrase):
            pattern = f"{pattern}(?![{script}])"
    return pattern
