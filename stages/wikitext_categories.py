"""The categories an article is in, by its wikitext."""

from __future__ import annotations

import re

_CATEGORY = re.compile(r"\[\[[ _]*(?:category|カテゴリ)[ _]*:([^\[\]{}|<>\n]{1,255})(?:\|[^\[\]\n]*+)?\]\]", re.IGNORECASE)
_HIDDEN = re.compile(r"<!--.*?(?:-->|\Z)|<nowiki>.*?</nowiki>", re.DOTALL)


def categories(wikitext: str) -> list[str]:
    """Names in order of appearance, each once, as MediaWiki writes them: blanks for _, the first letter upper case."""
    names = (" ".join(name.replace("_", " ").split()) for name in _CATEGORY.findall(_HIDDEN.sub("", wikitext)))
    return list(dict.fromkeys(name[0].upper() + name[1:] for name in names if name))
