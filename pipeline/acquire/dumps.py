"""A multistream dump as ranges of its streams, by the index that is published with it."""

from __future__ import annotations

import bz2
import os
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from pipeline.acquire.remote import is_remote
from pipeline.errors import InputError
from stages.slices import Slice
from stages.wikipedia.mediawiki import NO_STREAM, STREAM

MEGABYTES = 16  # compressed, of a range: about 70 MB of wikitext, some three minutes of work; jawiki gives 280 of them

_MULTISTREAM = re.compile(r"(?P<stem>.*multistream)(?P<number>\d*)\.xml(?P<pages>-p\d+p\d+)?\.bz2")
_DATE = re.compile(r"(?<!\d)(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?!\d)")
_LINE = re.compile(rb"(\d{1,15}):\d+:")


def beside(dump: str) -> str:
    """The index of a dump by the names that dumps go by; '' where there is none.

    An address whose name says multistream has one for sure; of a path it is looked for.
    """
    folder, slash, name = dump.rpartition("/")
    if found := _MULTISTREAM.fullmatch(name):
        index = f"{found['stem']}-index{found['number']}.txt{found['pages'] or ''}.bz2"
    else:
        index = f"{name.removesuffix('.xml.bz2')}-index.txt.bz2" if name.endswith(".xml.bz2") else ""
    place = f"{folder}{slash}{index}"
    if is_remote(dump):
        return place if found else ""
    return place if index and os.path.isfile(place) else ""


def date_in(name: str) -> str:
    """The day a dump was made, as its name has it: jawiki-20240101-pages-articles.xml.bz2 -> 2024-01-01; else ''."""
    found = _DATE.search(name)
    return "-".join(found.groups()) if found else ""


def offsets(index: bytes, where: str) -> list[int]:
    """Where the streams of pages begin in the dump: ascending. InputError names the line that is none of an index."""
    try:
        text = bz2.decompress(index) if index.startswith(b"BZh") else index
    except (OSError, ValueError):
        raise InputError(f"{where}: the index is cut or corrupt; fetch it again") from None
    found: list[int] = []
    for number, line in enumerate(text.splitlines(), 1):
        start = _LINE.match(line)
        if start is None:
            raise InputError(
                f"{where}: line {number} is not 'offset:page id:title': {line[:40]!r}; name the right index"
            )
        offset = int(start[1])
        if not found or offset > found[-1]:
            found.append(offset)
        elif offset < found[-1]:
            raise InputError(
                f"{where}: line {number} goes back from byte {found[-1]} to {offset}; fetch the index again"
            )
    if not found:
        raise InputError(f"{where}: the index is empty; fetch it again")
    return found


def slices(starts: Sequence[int], size: int, megabytes: float, where: str) -> list[Slice]:
    """Ranges of about `megabytes` that cover a dump of `size` bytes, each beginning where a stream does.

    Of a dump that was cut those streams remain that begin before its end: the reader of the last one tells of the loss.
    """
    if not 0 < starts[0] < size:
        raise InputError(
            f"{where}: its first stream is at byte {starts[0]}, and the dump has {size}; name the right index"
        )
    cuts = [starts[0]]
    for start in starts:
        if start < size and start - cuts[-1] >= megabytes * (1 << 20):
            cuts.append(start)
    cuts.append(size)
    return [Slice(starts[0], start, end, end == size) for start, end in pairwise(cuts)]


def check(dump: Path, of: Sequence[Slice], index: str) -> None:
    """InputError where a range of a dump on this machine begins with no stream: before anything is read by it."""
    with dump.open("rb") as file:
        for each in of:
            file.seek(each.start)
            if not STREAM.match(file.read(10)):
                raise InputError(
                    f'{index}: {NO_STREAM.format(each.start)}, or set dump_index = "" to read it in one part'
                )
