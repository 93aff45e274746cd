"""The categories a page puts itself into, read from its wikitext."""

from __future__ import annotations

import re

_CATEGORY = re.compile(r"\[\[[ _\t]*+(?:category|カテゴリー?)[ _\t]*+:([^\[\]{}|<>\n#]++)(?:\||\]\])", re.IGNORECASE)
_SPACES = re.compile(r"[ _\t\u00a0\u3000]+")
_HIDING = re.compile(r"<!--|<(nowiki|pre|syntaxhighlight|source)(?:\s[^<>]*+)?(?<!/)>", re.IGNORECASE)


def categories(wikitext: str) -> list[str]:
    """Names of the categories in order of appearance, each once, as MediaWiki writes them: 'jazz_の歴史' -> 'Jazz の歴史'.

    Links to a category ([[:Category:...]]) and what stands in comments, <nowiki> or code do not count. Linear in the length.
    """
    found = (_normalised(name) for name in _CATEGORY.findall(_visible(wikitext)))
    return [name for name in dict.fromkeys(found) if name]


def _normalised(name: str) -> str:
    name = _SPACES.sub(" ", name).strip()
    return name[:1].upper() + name[1:]


def _visible(text: str) -> str:
    """Without comments and literal text. A comment that is never closed hides the rest; a tag that is not, nothing."""
    kept, at, never_closed = [], 0, set()
    lowered = ""
    while hiding := _HIDING.search(text, at):
        name = (hiding[1] or "").lower()
        kept.append(text[at : hiding.start()])
        at = hiding.end()
        if not name:
            end = text.find("-->", at)
            at = len(text) if end < 0 else end + 3
        elif name not in never_closed:
            lowered = lowered or _lower_ascii(text)
            end = lowered.find(f"</{name}", at)
            if end < 0:
                never_closed.add(name)
            else:
                at = end
    kept.append(text[at:])
    return "".join(kept)


def _lower_ascii(text: str) -> str:
    """In lower case without a change of any offset, which `str.lower` would make at 'İ'."""
    return text.translate(_LOWER)


_LOWER = {ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
