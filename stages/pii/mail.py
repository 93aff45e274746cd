"""Mail addresses, as they are written and as they are spelled to hide from programs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from string import ascii_letters, digits

from stages.pii.base import kind
from stages.spans import Span

_WIDE = "Ａ-Ｚａ-ｚ０-９"
_LETTER = f"A-Za-z0-9{_WIDE}"
# RFC 5321: 64 octets before the sign, labels of 63, 255 in all. A character more tells that there is one too many.
LOCAL = 64
_WIDE_ASCII = "".join(chr(code + 0xFEE0) for code in map(ord, ascii_letters + digits + "._%+-"))
_LOCAL_CHARACTERS = ascii_letters + digits + ".!#$&'*/=?^`{|}~_%+-" + _WIDE_ASCII
_EDGES = ".．-－'/*=|`{}!&?#"
_DOT = "(?:[.．]|\\s?[\\[(（［【]\\s?(?:dot|ドット|どっと)\\s?[\\])）］】]\\s?| dot )"
_DOMAIN = re.compile(
    f"[{_LETTER}](?:[{_LETTER}\\-－]{{0,62}}+{_DOT}(?=[{_LETTER}])){{1,9}}([A-Za-zＡ-Ｚａ-ｚ]{{2,24}}+)(?![{_LETTER}_])",
    re.IGNORECASE,
)
# How a sign begins, and what follows unless that is the sign itself.
AT_FIRST = "@＠\\[(（［【{<＜〈《"
AT_REST = "\\s?(?:at|ａｔ|@|＠|アット(?:マーク)?|あっと(?:まーく)?)\\s?[\\])）］】}>＞〉》]"
_AT = re.compile(f"[{AT_FIRST}](?:(?<=[@＠])|{AT_REST})", re.IGNORECASE)
_BLANK = (" ", "\u3000")
_FILES = frozenset(
    ("png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "html", "htm", "php", "pdf", "zip", "mp3", "mp4")
)


@kind("<メールアドレス>", default=True)
def mail(text: str) -> Iterable[Span]:
    """Mail addresses, ASCII or full-width, also with [at], (at), ＠ or アットマーク in brackets and [dot].

    keep: @seimai さんの投稿、icon@2x.png、npm install left-pad@1.3.0
    keep: git@github.com:example/project.git
    keep: 単価@100円、Live @ Shibuya.
    keep: 日本語のＵＲＬは（at）使わない。
    mask: お問い合わせは info@example.co.jp まで。
    mask: ｉｎｆｏ＠ｅｘａｍｐｌｅ．ｃｏ．ｊｐ
    mask: info[at]example.com
    mask: taro.yamada（アットマーク）example.jp
    mask: info (at) example [dot] com
    misfire: ユーザー名は root@localhost.localdomain と表示されます。
    missed: info★example.com（★を@に変えてください）
    missed: お名前@例え.jp
    missed: Taro Yamada <taro at example.jp>
    """
    end = 0
    for sign in _AT.finditer(text):
        at, behind = sign.span()
        if behind - at > 1:  # in brackets, which may stand apart
            at -= text[at - 1 : at] in _BLANK
            behind += text[behind : behind + 1] in _BLANK
        local = _local(text[max(end, at - LOCAL - 1) : at])
        found = _DOMAIN.match(text, behind, behind + 256)
        if not local or not found or found.group(1).lower() in _FILES:
            continue
        if local == "git" or text[found.end() : found.end() + 1] in ("@", "＠"):
            continue
        end = found.end()
        yield at - len(local), end, mail.placeholders[0]


def _local(window: str) -> str:
    """The part before the sign, from the characters before it; '' where there is none, or more than there can be."""
    local = window[len(window.rstrip(_LOCAL_CHARACTERS)) :].lstrip(_EDGES)
    return local if len(local) <= LOCAL else ""
