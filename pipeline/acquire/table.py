"""The files of a columnar index, as a recipe names them: paths, globs, addresses, or the table of a crawl."""

from __future__ import annotations

import glob
import posixpath
import re
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from pipeline.acquire.listing import is_crawl_id, list_of, listed, place
from pipeline.acquire.parts import IndexFile, local_index
from pipeline.acquire.remote import is_remote, look
from pipeline.acquire.transfer import Network
from pipeline.acquire.turns import Turns
from pipeline.errors import UsageError

_TABLE = re.compile(r"(?P<base>.*/)(?P<key>cc-index/table/cc-main/warc/crawl=(?P<crawl>[^/*?\[\]]+)/.*)")
_MAGIC = re.compile(r"[*?\[]")
_SUBSET = "/subset=warc/"  # the successful captures; the others are crawldiagnostics and robotstxt


def index_files(files: Sequence[str], net: Network, turns: Turns) -> list[IndexFile]:
    """The index files that `files` name: paths, globs, addresses, and crawl ids for all of a crawl's table.

    A wildcard in an address works in the table of Common Crawl alone, which has a published list of its files.
    """
    return [file for name in files for file in _named(name, net, turns)]


def _named(name: str, net: Network, turns: Turns) -> list[IndexFile]:
    if is_crawl_id(name):
        return [IndexFile(place(key, net.base), key) for key in _published(name, net, turns) if _SUBSET in key]
    if not is_remote(name):
        paths = sorted(map(Path, glob.glob(name, recursive=True)))
        if not paths:
            raise UsageError(f"{name}: no index file there")
        return local_index(paths)
    if not _MAGIC.search(name):
        remote = look(name, net, turns)
        return [IndexFile(name, f"{remote.bytes} {remote.tag}")]
    table = _TABLE.fullmatch(name)
    if table is None:
        raise UsageError(
            f"{name}: an address with a wildcard must lie under cc-index/table/cc-main/warc/crawl=…/; name each file"
        )
    keys = [key for key in _published(table["crawl"], net, turns) if _fits(key, table["key"])]
    if not keys:
        raise UsageError(f"{name}: no file in the table of {table['crawl']} has such a name")
    return [IndexFile(place(key, table["base"]), key) for key in keys]


def _published(crawl: str, net: Network, turns: Turns) -> list[str]:
    """Names of all files of a crawl's table. Each holds an id of its writing, so a name tells the content."""
    if not is_crawl_id(crawl):
        raise UsageError(f"crawl={crawl}: no crawl has such an id; they are like CC-MAIN-2024-51")
    return listed(list_of(crawl, net, "cc-index-table"), net, turns)


def _fits(key: str, pattern: str) -> bool:
    """Whether a name matches as in a shell: a wildcard never reaches over a slash."""
    names, patterns = key.split(posixpath.sep), pattern.split(posixpath.sep)
    return len(names) == len(patterns) and all(map(fnmatchcase, names, patterns))
