"""Speeches as the record of a meeting prints them.

A speech begins with ○ and who speaks: ○委員長（山田花子君）　これより…. That is kept, as are the recorder's remarks (拍手),
〔賛成者起立〕 and times (午後一時開議), without which replies cannot be understood. Paragraphs keep their indent of one blank.
Out go: rules (――――◇―――――), which leave an empty line; blanks at line ends; the blanks by which a remark is set in the middle.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from stages.readers.tables import whole

HEADER = "会議録情報"  # who "speaks" before the first speech

_RULE = re.compile("^[ \u3000]*[-－‐―─━ー—–=＝◇◆○・*＊]{4,}[ \u3000]*$", re.MULTILINE)
_BLANKS_AT_END = re.compile("(?<![ \t\u3000])[ \t\u3000]+$", re.MULTILINE)
_CENTERED = re.compile("^[ \t\u3000]{2,}+", re.MULTILINE)
_EMPTY_LINES = re.compile("\n{3,}")


def minutes(speeches: Iterable[Mapping[str, Any]], *, header: bool) -> str:
    """The text of a meeting: its speeches in their order, an empty line between them. '' when none has a text."""
    ordered = sorted(speeches, key=_order)
    texts = (speech_text(said["speech"]) for said in ordered if _is_text(said) and (header or not _is_header(said)))
    return "\n\n".join(filter(None, texts))


def speech_text(speech: str) -> str:
    """One speech. Linear in its length; total for any text."""
    text = whole(speech).replace("\r\n", "\n").replace("\r", "\n")
    text = _BLANKS_AT_END.sub("", _RULE.sub("", text))
    text = _CENTERED.sub("\u3000", text)
    return _EMPTY_LINES.sub("\n\n", text).strip("\n")


def _is_text(said: Mapping[str, Any]) -> bool:
    return isinstance(said.get("speech"), str)


def _is_header(said: Mapping[str, Any]) -> bool:
    return said.get("speaker") == HEADER or (_order(said) == 0 and not str(said["speech"]).lstrip().startswith("○"))


def _order(said: Mapping[str, Any]) -> int:
    """speechOrder, a number or its digits; a speech without one comes last, as it stood."""
    order = said.get("speechOrder")
    if isinstance(order, str) and order.isascii() and order.isdigit():
        order = int(order[:9])
    return order if isinstance(order, int) and not isinstance(order, bool) else 1 << 31
