"""What a recipe names in one word: a crawl of Common Crawl, or a list of files; and a deterministic share of either."""

from __future__ import annotations

import hashlib
import os
import re
import zlib
from collections.abc import Iterable
from urllib.parse import quote

from pipeline.acquire.remote import contents, is_remote
from pipeline.acquire.transfer import Network
from pipeline.acquire.turns import Turns
from pipeline.errors import InputError, UsageError

CRAWLS = "https://index.commoncrawl.org/collinfo.json"
_CRAWL = re.compile(r"CC-MAIN-\d{4}-\d{2}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def is_crawl_id(name: str) -> bool:
    """CC-MAIN-2024-51: year and week. (The crawls before 2013 have other names and ARC files.)"""
    return _CRAWL.fullmatch(name) is not None


def is_list(place: str) -> bool:
    """A path or address that ends as Common Crawl's lists of files do: .paths or .paths.gz."""
    path = place.split("?", 1)[0] if is_remote(place) else place
    return path.endswith((".paths", ".paths.gz"))


def list_of(crawl: str, net: Network, kind: str = "warc") -> str:
    """Where the list of a crawl's files lies; `kind` is warc, wet, wat, cc-index-table, …"""
    return place(f"crawl-data/{crawl}/{kind}.paths.gz", net.base)


def expand(name: str, net: Network, turns: Turns, *, share: float = 1.0, kind: str = "warc") -> list[str]:
    """The files of a crawl id (of this kind) or of a list (path or address, gzip or plain), or a share of them, in order.

    `share`, over 0 and at most 1, keeps a name by its hash: always the same ones, and a larger share keeps all that a
    smaller one does. UsageError for an unknown crawl, or where nothing is left.
    """
    names = listed(name, net, turns, kind)
    kept = chosen(names, share)
    if not kept:
        raise UsageError(f"{name}: share = {share:g} leaves none of its {len(names)} files; take a larger share")
    return [place(one, net.base) for one in kept]


def listed(name: str, net: Network, turns: Turns, kind: str = "warc") -> list[str]:
    """The names that a crawl or list has, as they stand there, each once."""
    if not is_crawl_id(name):
        return names_in(contents(name, net, turns), name)
    where = list_of(name, net, kind)
    try:
        content = contents(where, net, turns)
    except InputError as error:
        raise UsageError(f"{name}: no list of such a crawl ({error}); the crawls there are: {CRAWLS}") from None
    return names_in(content, where)


def names_in(content: bytes, where: str) -> list[str]:
    """The lines of a list. InputError names the line that is none."""
    try:
        text = _plain(content).decode("utf-8-sig")
    except (zlib.error, EOFError):
        raise InputError(f"{where}: damaged gzip; fetch it again") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{where}: not a list of names: byte {error.start} is not UTF-8") from None
    names = [line.strip(" \t\r") for line in text.split("\n")]
    for number, name in enumerate(names, 1):
        if name.startswith(("<", "{")) or _CONTROL.search(name):
            raise InputError(f"{where}: line {number}: {name[:40]!a} is no name of a file; a list has one a line")
    found = list(dict.fromkeys(filter(None, names)))
    if not found:
        raise InputError(f"{where}: names no file")
    return found


def chosen(names: Iterable[str], share: float) -> list[str]:
    """Those whose hash, as a fraction, is below `share`."""
    return [name for name in names if _hash(name) < share * 2**64]


def place(name: str, base: str) -> str:
    """Where a listed name lies: an address or absolute path is that, all else is relative to `base`."""
    if is_remote(name) or os.path.isabs(name):
        return name
    if not is_remote(base):
        return os.path.join(base, name)
    # Names are keys of an object store: in a web address a few of their characters would mean something else.
    key = name if base.lower().startswith("s3:") else quote(name, safe="/=")
    return f"{base.rstrip('/')}/{key}"


def _hash(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])


def _plain(content: bytes) -> bytes:
    """All gzip members, or the content itself. EOFError where the last member has no end."""
    plain = bytearray()
    while content.startswith(b"\x1f\x8b"):
        member = zlib.decompressobj(wbits=31)
        plain += member.decompress(content)
        if not member.eof:
            raise EOFError
        content = member.unused_data
    return bytes(plain) or content
