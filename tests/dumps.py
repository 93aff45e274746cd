"""Multistream dumps made in tests: a head, streams of a few pages each, the end; and the index of them."""

from __future__ import annotations

import bz2
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

HEAD = b"<mediawiki><siteinfo><dbname>jawiki</dbname></siteinfo>"
SUBJECTS = ("桜", "川", "駅", "城", "祭り", "市場", "図書館", "灯台", "峠", "神社", "橋", "温泉")


def article(number: int) -> str:
    """Wikitext of an article that every filter keeps, with a template that no table knows."""
    name = f"{SUBJECTS[number % len(SUBJECTS)]}の{number}番"
    said = "".join(
        f"{name}については、{other}と{SUBJECTS[(number * 7 + at) % 12]}のつながりを{number + at}年ごろの記録が伝えている。"
        for at, other in enumerate(SUBJECTS[:6])
    )
    return f"'''{name}'''は、町の人びとに親しまれてきた場所である。{{{{架空の札|{number}}}}}\n\n{said}\n[[Category:架空の{name}]]"


def page(number: int) -> bytes:
    return (
        f"<page><title>題{number}</title><ns>0</ns><id>{number}</id><revision><id>{number + 1000}</id>"
        f"<timestamp>2024-05-06T07:08:09Z</timestamp><model>wikitext</model><text>{escape(article(number))}</text>"
        "</revision></page>"
    ).encode()


def multistream(folder: Path, name: str, streams: Sequence[Sequence[int]]) -> tuple[Path, Path]:
    """(dump, index) with the pages of these numbers in each stream; the index lies where dumps have it."""
    content, lines = bz2.compress(HEAD), []
    for numbers in streams:
        lines += [f"{len(content)}:{number}:題{number}\n" for number in numbers]
        content += bz2.compress(b"".join(map(page, numbers)))
    dump, index = folder / f"{name}.xml.bz2", folder / f"{name}-index.txt.bz2"
    dump.write_bytes(content + bz2.compress(b"</mediawiki>"))
    index.write_bytes(bz2.compress("".join(lines).encode()))
    return dump, index
