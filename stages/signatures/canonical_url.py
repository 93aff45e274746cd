"""One form for the addresses of one page. Pure: no network, no list that ages, nothing but the text of the address.

Joined: http and https, default ports, the case of scheme, host and percent-encoding, characters that are encoded without
need, dot segments, an empty path and /, an index file and its folder, fragments, and parameters that only tell who sent the
reader (utm_*, gclid, fbclid, ...).

Never joined, because two pages may stand behind them: paths that differ in case or in a slash at the end; www. and the bare
host; parameters in another order, and those that look like a session (a basket and an empty one have the same address but
for it); fragments that a script reads as an address (#! and #/). What is no address of the web has no canonical form.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from stages.hosts import canonical

_PORTS = {"http": 80, "https": 443}
# Parameters of advertisers, mailings and analytics, by their makers' own documentation: none is read by a page's content.
TRACKING = frozenset(
    {"gclid", "gclsrc", "dclid", "gbraid", "wbraid", "_ga", "_gl", "srsltid"}  # Google
    | {"fbclid", "igshid", "igsh", "msclkid", "twclid", "ttclid", "li_fat_id", "yclid", "ldtag_cl"}  # other networks
    | {"mc_cid", "mc_eid", "_hsenc", "_hsmi", "mkt_tok", "vero_id", "oly_anon_id", "oly_enc_id"}  # mailings
)
_TRACKING_PREFIX = "utm_"
_INDEX = re.compile(r"/index\.(?:html?|php)\Z")  # with a query behind it, it may be a program of its own
_ENCODED = re.compile(r"%([0-9A-Fa-f]{2})")
_LONE = re.compile(r"%(?![0-9A-Fa-f]{2})")  # a percent sign that encodes nothing stands for itself
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")  # RFC 3986, 2.3


def canonical_url(url: str) -> str:
    """The canonical form of an http(s) URL; '' for anything else. Idempotent, and a URL itself."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
        host = canonical(parts.hostname or "")
    except ValueError:  # brackets that are not closed, a port that is no number
        return ""
    if parts.scheme not in _PORTS or not host:
        return ""
    usual = port in (None, _PORTS[parts.scheme])
    user, at, _ = parts.netloc.rpartition("@")
    authority = _encoded(user) + at + (f"[{host}]" if ":" in host else host) + ("" if usual else f":{port}")
    path = _without_dots(_encoded(parts.path) or "/")
    query = "&".join(field for field in _encoded(parts.query).split("&") if not _tracks(field))
    if not query:
        path = _INDEX.sub("/", path)
    fragment = _encoded(parts.fragment) if parts.fragment.startswith(("!", "/")) else ""
    return (
        f"{'https' if usual else parts.scheme}://{authority}{path}"
        f"{'?' if query else ''}{query}{'#' if fragment else ''}{fragment}"
    )


def _tracks(field: str) -> bool:
    name = field.partition("=")[0].lower()
    return not field or name in TRACKING or name.startswith(_TRACKING_PREFIX)


def _encoded(text: str) -> str:
    """Upper-case percent-encoding, none of it where it is not needed (RFC 3986, 6.2.2); what is no ASCII is encoded."""
    quoted = "".join(
        char
        if "!" <= char <= "~" and char not in '"<>\\^`{|}'
        else "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))
        for char in text
    )
    return _ENCODED.sub(_decoded, _LONE.sub("%25", quoted))


def _decoded(match: re.Match[str]) -> str:
    byte = int(match[1], 16)
    return chr(byte) if byte in _UNRESERVED else match[0].upper()


def _without_dots(path: str) -> str:
    """RFC 3986, 5.2.4; `path` begins with a slash."""
    if "/." not in path:
        return path
    kept: list[str] = []
    steps = path.split("/")[1:]
    for step in steps:
        if step == "..":
            del kept[-1:]
        elif step != ".":
            kept.append(step)
    if steps[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)
