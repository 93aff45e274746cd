"""What a page and its headers say about the use of its text: signals to robots, and a licence.

Evidence, recorded as columns; what follows from it is a recipe's business. Everything here is linear in the page, and
looks only where a cheap search found something: these functions run outside the guard.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from stages.gate.markup import unescape

# What is recorded of the robots directives in use; the others (nofollow, max-snippet, ...) are about crawling and display.
# noai, noimageai: DeviantArt 2022; noml: Mojeek; noarchive, nocache: to Bing, no training either.
DIRECTIVES = frozenset({"noai", "noarchive", "nocache", "noimageai", "noindex", "noml", "nosnippet"})
RESERVED = "tdm-reserved"  # TDM Reservation Protocol of the W3C community group, the opt-out of Directive (EU) 2019/790
# Robots that directives are addressed to: those of crawls and models, and of the larger search engines.
AGENTS = frozenset(
    {
        "ai2bot",
        "amazonbot",
        "anthropic-ai",
        "applebot",
        "applebot-extended",
        "archive.org_bot",
        "baiduspider",
        "bingbot",
    }
    | {"bytespider", "ccbot", "chatgpt-user", "claude-web", "claudebot", "cohere-ai", "diffbot", "duckduckbot"}
    | {"facebookbot", "google-extended", "googlebot", "googlebot-news", "googleother", "gptbot", "ia_archiver"}
    | {
        "meta-externalagent",
        "msnbot",
        "oai-searchbot",
        "omgilibot",
        "perplexitybot",
        "slurp",
        "yandex",
        "yandexbot",
        "yeti",
    }
)
MAX_LICENCES = 16  # of one page: a catalogue of works has hundreds, and none is that of its text
_MAX_URL = 500
_MAX_TAG = 4000
_MAX_META = 100  # meta elements with something to say; real pages have fewer than ten
_MAX_HEADER = 8190  # what servers send at most (Apache's LimitRequestFieldSize)

_WITH_VALUE = frozenset({"max-image-preview", "max-snippet", "max-video-preview", "unavailable_after"})
_ELEMENT = re.compile(r"\s*+(?:([a-zA-Z][\w.-]*+)\s*+:)?+([^,]*+),?+")
_SEPARATOR = re.compile(r"[\s,;、]+")

# Attributes are matched up to the next angle bracket, never across one, and each name is tried once: linear.
_META = re.compile(r"<[mM][eE][tT][aA]\b([^<>]{0,4000})")
_META_NAME = re.compile(r"""(?<![^\s"'/])(?:name|property|http-equiv)\s*+=\s*+["']?\s*+([^\s"'<>]++)""", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""(?<![^\s"'/])([^\s"'<>/=]++)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'<>]*+))""")
_LINK = re.compile(r"<(?:a|area|link)\b", re.IGNORECASE)
_TAG_END = re.compile("[<>]")
_LICENSE = ("license", "License", "LICENSE")
_LD_JSON = re.compile(r"<script\b[^<>]{0,1000}\bld\+json\b[^<>]{0,1000}>", re.IGNORECASE)
_SCRIPT_END = re.compile(r"</script\b", re.IGNORECASE)
_HEADER_LINK = re.compile(r"<([^<>]*+)>([^<>,]*+)")

_LICENCE_NAMES = frozenset({"cc.license", "dc.license", "dct.license", "dcterms.license", "license"})
_RIGHTS_NAMES = frozenset({"dc.rights", "dcterms.rights", "dct.rights"})  # often a copyright notice
_NAMES = AGENTS | _LICENCE_NAMES | _RIGHTS_NAMES | {"robots", "tdm-reservation", "x-robots-tag"}
_NOT_TEXT = ("ImageObject", "VideoObject", "AudioObject", "SoftwareApplication", "SoftwareSourceCode")

_CC_URL = re.compile(
    r"(?:https?:)?//(?:www\.)?creativecommons\.org/(licenses|publicdomain)/([a-z+-]{2,20})/(\d\.\d)(?:/([a-z]{2,3})\b)?",
    re.IGNORECASE,
)
_CC_NAME = re.compile(r"\bCC[ -](BY(?:-NC)?(?:-SA|-ND)?|0)(?:[ -](\d\.\d))?(?![\w.-])", re.IGNORECASE)
_CC_PUBLIC_DOMAIN = {"zero": "CC0-1.0", "mark": "CC-PDM-1.0", "certification": "CC-PDDC"}
_ADDRESS = re.compile("[A-Za-z0-9.+-]+|[^\\s\ud800-\udfff]*/[^\\s\ud800-\udfff]*")  # or a short name such as MIT


@dataclass(frozen=True, slots=True)
class Policy:
    """What was found.

    `signals`: sorted; a directive of DIRECTIVES (noindex also for `none`), one to a single robot as 'ccbot:noindex', and
    'tdm-reserved'. `license`: the SPDX id of a Creative Commons licence, the address of another, '' for none. A page in
    parts under several licences has all of them, sorted, with blanks between.
    """

    signals: tuple[str, ...] = ()
    license: str = ""


def evidence(stripped_html: str, headers: Mapping[str, str]) -> Policy:
    """The policy of a page that went through `markup.strip`, and of its HTTP headers (names in lower case).

    Of several headers of one name the values come in one string with a line end (or a comma) between them.
    """
    signals: set[str] = set()
    licences: set[str] = set()
    for line in headers.get("x-robots-tag", "")[:_MAX_HEADER].splitlines():
        signals.update(_robots(line))
    if headers.get("tdm-reservation", "").strip() == "1":
        signals.add(RESERVED)
    for target, parameters in _HEADER_LINK.findall(headers.get("link", "")[:_MAX_HEADER]):
        if "license" in re.split(r"[\s;=\"']+", parameters.lower()):
            licences.add(_license(target))
    speaking = (meta for meta in _META.findall(stripped_html) if any(map(_known, _META_NAME.findall(meta))))
    for meta in map(_attributes, islice(speaking, _MAX_META)):
        name = _known(meta.get("name") or meta.get("property") or meta.get("http-equiv") or "")
        signals.update(_signals(name, meta.get("content", "")))
        licences.add(_license_of_meta(name, meta.get("content", "")))
    licences.update(map(_license, _linked(stripped_html)))
    licences.update(map(_license, _in_json(stripped_html)))
    return Policy(tuple(sorted(signals)), " ".join(sorted(licences - {""})[:MAX_LICENCES]))


def _known(name: str) -> str:
    """The name of a meta element in lower case, with RDFa's colon as Dublin Core's dot; '' if it says nothing here."""
    name = name.lower().replace(":", ".")
    return name if name in _NAMES else ""


def _attributes(tag: str) -> dict[str, str]:
    """Attributes of a tag, names in lower case, entities resolved; of several of one name the first, as in HTML."""
    found: dict[str, str] = {}
    for name, double, single, bare in _ATTRIBUTE.findall(tag):
        found.setdefault(name.lower(), unescape(double or single or bare).strip())
    return found


def _signals(name: str, content: str) -> Iterator[str]:
    if name == "tdm-reservation" and content == "1":
        yield RESERVED
    elif name == "x-robots-tag":
        yield from _robots(content)
    else:
        yield from _addressed(name, content)


def _robots(value: str) -> Iterator[str]:
    """Signals of an X-Robots-Tag: directives between commas, from a `robot:` on to that robot alone."""
    agent = "robots"
    for name, content in _ELEMENT.findall(value):
        if name.lower() not in _WITH_VALUE:
            agent = name.lower() or agent
            yield from _addressed(agent, content)


def _addressed(agent: str, content: str) -> Iterator[str]:
    """The directives to all robots or to one we know, marked with its name."""
    if agent == "robots":
        yield from _directives(content)
    elif agent in AGENTS:
        yield from (f"{agent}:{directive}" for directive in _directives(content))


def _directives(content: str) -> Iterator[str]:
    for word in _SEPARATOR.split(content.lower()):
        if word in DIRECTIVES:
            yield word
        elif word == "none":  # noindex and nofollow
            yield "noindex"


def _license_of_meta(name: str, content: str) -> str:
    """Of a statement of rights, which is a copyright notice mostly, only a Creative Commons licence."""
    found = _license(content)
    return found if name in _LICENCE_NAMES or (name in _RIGHTS_NAMES and found.startswith("CC")) else ""


def _license(written: str) -> str:
    """SPDX id of a Creative Commons address or name, else the address; '' for what is none."""
    written = written.strip()
    if len(written) > _MAX_URL:
        return ""
    if (found := _CC_URL.search(written)) and (id := _creative_commons(*found.groups())):
        return id
    if found := _CC_NAME.match(written):
        return "-".join(("CC0" if found[1] == "0" else f"CC-{found[1].upper()}", *filter(None, [found[2]])))
    return written if _ADDRESS.fullmatch(written) and not written.startswith("javascript:") else ""


def _creative_commons(kind: str, code: str, version: str, country: str | None) -> str:
    """SPDX id, such as CC-BY-SA-4.0 and CC-BY-2.1-JP; '' for the licences of theirs that have none (sampling+, GPL)."""
    if kind.lower() == "publicdomain":
        return _CC_PUBLIC_DOMAIN.get(code.lower(), "")
    terms = code.upper().split("-")
    if not set(terms) <= {"BY", "NC", "ND", "SA"}:
        return ""
    port = [country.upper()] if country and country.lower() != "rdf" and version < "4" else []
    return "-".join(["CC", *sorted(terms), version, *port])


def _linked(page: str) -> Iterator[str]:
    """Targets of links with rel=license. Each character is passed over a fixed number of times."""
    for word in _LICENSE:
        position = 0
        while (hit := page.find(word, position)) >= 0:
            start = page.rfind("<", position, hit)
            position = hit + len(word)
            if start < 0 or page.find(">", start, hit) >= 0 or not _LINK.match(page, start):
                continue
            end = _TAG_END.search(page, hit, hit + _MAX_TAG)
            link = _attributes(page[start : end.start() if end else hit + _MAX_TAG])
            if not _LICENCE_NAMES.isdisjoint(link.get("rel", "").lower().replace(":", ".").split()):
                yield link.get("href", "")


def _in_json(page: str) -> Iterator[str]:
    """`license` of the works that JSON-LD describes, pictures, videos and programs apart. Broken JSON says nothing."""
    position = 0 if '"license"' in page else len(page)
    while opening := _LD_JSON.search(page, position):
        closing = _SCRIPT_END.search(page, opening.end())
        if closing is None:
            return
        position = closing.end()
        try:
            waiting = [json.loads(page[opening.end() : closing.start()])]
        except (ValueError, RecursionError):
            continue
        while waiting:
            match waiting.pop():
                case list(items):
                    waiting += items
                case dict(work) if not any(kind in _NOT_TEXT for kind in _listed(work.get("@type"))):
                    yield from map(_address, _listed(work.get("license")))
                    waiting += work.values()


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _address(license: Any) -> str:
    """The address in a JSON-LD value: itself, or that of the work it is."""
    if isinstance(license, dict):
        license = license.get("@id") or license.get("url")
    return license if isinstance(license, str) else ""
