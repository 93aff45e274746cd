"""Other spellings of an address: a reader copies it from a browser or types it, the crawl has it in its own way."""

from __future__ import annotations

from urllib.parse import quote, unquote, urlsplit, urlunsplit


def spellings(url: str) -> list[str]:
    """Addresses that a person may take for `url`, without itself: the other scheme, `www.` or none, a slash at the end
    or none, no fragment, percent-encoded or not. [] for what is no address of the web."""
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
    except ValueError:  # brackets that are not closed
        return []
    if parts.scheme not in ("http", "https") or "." not in parts.netloc:
        return []
    bare = parts.netloc.removeprefix("www.")
    tail = parts.path.rstrip("/")
    found = [
        urlunsplit((scheme, host, form(path), form(parts.query), ""))
        for scheme in (parts.scheme, *({"http", "https"} - {parts.scheme}))
        for host in (parts.netloc, bare if bare != parts.netloc else f"www.{bare}")
        for path in (parts.path, tail if tail != parts.path else f"{tail}/")
        for form in (str, _encoded, unquote)
    ]
    return [each for each in dict.fromkeys(found) if each != url]


def _encoded(text: str) -> str:
    return quote(text, safe="%/:@!$&'()*+,;=?~-._")
