"""What a reader sees of a link."""

from __future__ import annotations

import re

from stages.wikipedia.tags import GAP

_HIDDEN = re.compile(r"(?:file|image|media|category|ファイル|画像|メディア|カテゴリ|カテゴリー)[ \t]*:", re.IGNORECASE)
# Interlanguage links are shown beside the page, not in it. Short prefixes of sister projects are not languages.
_LANGUAGE = re.compile(r"(?!(?:wp|mw|wmf|doi|rfc|voy|oai)\b)(?:[a-z]{2,3}(?:-[a-z-]{2,12})?|simple):")


def link(target: str, labels: list[str]) -> str:
    """What a reader sees of [[target|label]]; a `GAP` for files, categories and interlanguage links."""
    label = "|".join(labels)
    if _HIDDEN.match(target.lstrip()) or (_LANGUAGE.match(target) and not labels):
        return GAP
    if "\n" in target.strip():  # not closed where it should have been: no link, but text up to someone else's brackets
        return target + label
    if "://" in target:  # [[http://... label]]: an external link with one bracket too many
        return f"{target.strip().partition(' ')[2]} {label}".strip()
    if label.strip():
        return label
    shown = target.removeprefix(":")
    if labels:  # [[Wikipedia:索引 (仮)|]] is short for 索引
        shown = re.sub(r"[ \t]*\([^()]*\)$", "", shown.partition(":")[2] or shown)
    return shown
