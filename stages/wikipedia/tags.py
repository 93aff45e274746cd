"""Comments and tags of wikitext, in linear time: tags are found left to right, each closing tag is sought at most once."""

from __future__ import annotations

import re
from html import unescape

from stages.wikipedia.names import names

# Stands where something was taken out, so that what was around it (empty parentheses, a doubled space) can be mended
# there and nowhere else. No input holds it: control characters are removed first.
GAP = "\x01"

# Tags whose content is dropped with them, and those whose content is literal text.
DROPPED = frozenset(
    names(
        "ref gallery timeline score imagemap templatestyles includeonly hiero graph mapframe maplink inputbox references rt rp "
        "categorytree charinsert indicator phonos style script"
    )
)
LITERAL = frozenset(names("nowiki pre syntaxhighlight source"))
MATH = frozenset(names("math chem ce"))
BREAKS = frozenset(names("br p div li ul ol dl dt dd blockquote center hr h1 h2 h3 h4 h5 h6 poem caption"))
INLINE = frozenset(
    names(
        "span b i u s small big sub sup font tt code kbd var em strong del ins abbr cite dfn q ruby rb rtc bdi bdo mark samp "
        "time wbr strike noinclude onlyinclude section tbody thead data nobr languages translate"
    )
)
TABLE = {"table": "\n{|\n", "/table": "\n|}\n", "tr": "\n|-\n", "td": "\n|", "th": "\n!"}

_TAG = re.compile(r"<(?:!--|(/?)([A-Za-z][A-Za-z0-9]*)((?:[\s/][^<>]*)?)>)")
_LINE_END = re.compile(r"(?:[ \t]*+\n)?")  # of a line that ends with a <br>, and is no blank line for it
_MARKS = {ord(mark): f"&#{ord(mark)};" for mark in "&<>[]{}|'=*#:;!_-\n"}
_LAYOUT = re.compile(r"\\(?:displaystyle|textstyle|scriptstyle)(?![A-Za-z])")
_LAST_SPACES = re.compile(r"\A *(?:[,;!]\\ *)*")  # \\, and the like at the end of a formula, read backwards


def strip_tags(text: str) -> str:
    """Wikitext without comments and tags; <nowiki>, <pre>, code and <math> become text that later steps leave alone."""
    if "<" not in text:
        return text
    out: list[str] = []
    closers = _Closers(text)
    at = 0
    while tag := _TAG.search(text, at):
        out.append(text[at : tag.start()])
        at = tag.end()
        slash, name, attributes = tag[1], (tag[2] or "").lower(), tag[3]
        if not name:  # a comment; one that is never closed hides the rest of the page, in MediaWiki too
            end = text.find("-->", at)
            at = len(text) if end < 0 else end + 3
        elif name in BREAKS:
            out.append("\n")
            at = _LINE_END.match(text, at).end()  # type: ignore[union-attr]  # matches anywhere
        elif name in TABLE:
            out.append(TABLE.get(slash + name, ""))
        elif name in DROPPED or name in LITERAL or name in MATH:
            out.append(GAP if name in DROPPED else "")
            if slash or attributes.endswith("/"):
                continue
            span = closers.span(name, at)
            if span:
                if name not in DROPPED:
                    out.append(_literal(text[at : span[0]], name))
                at = span[1]
        elif name not in INLINE:
            out.append(tag[0])
    out.append(text[at:])
    return "".join(out)


class _Closers:
    """Finds the closing tag of an opened one; for a tag name that has none left, looks only once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._none_left: set[str] = set()
        self._patterns: dict[str, re.Pattern[str]] = {}

    def span(self, name: str, at: int) -> tuple[int, int] | None:
        """Where the content that starts at `at` ends, and where the text goes on; None when the tag is not closed."""
        if name in self._none_left:
            return None
        pattern = self._patterns.get(name)
        if pattern is None:
            pattern = self._patterns[name] = re.compile(_closer(name), re.IGNORECASE)
        found = pattern.search(self._text, at)
        if found is None:
            self._none_left.add(name)
            return None
        return None if found.lastgroup == "again" else found.span()


def _closer(name: str) -> str:
    if name in ("rt", "rp"):  # HTML lets them end where the next part of the <ruby> begins
        return rf"</{name}\s*>|(?=</?ruby|<r[bpt]\b)"
    # A second <ref> before the closing one: the first was never closed, and must not swallow what lies between.
    return rf"</{name}\s*>|(?P<again><{name}[\s>])" if name == "ref" else rf"</{name}\s*>"


def _literal(text: str, name: str) -> str:
    """Text of which no mark is a mark any more. Formulas keep their TeX source, between dollar signs."""
    if name in MATH:
        text = " ".join(_LAYOUT.sub("", unescape(text)).split())
        text = _LAST_SPACES.sub("", text[::-1])[::-1]
        text = f"${text}$" if text else ""
    elif name in ("nowiki", "pre"):
        text = unescape(text)
    return text.strip("\n").translate(_MARKS)
