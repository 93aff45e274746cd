"""`[[source]]` tables: where documents come from, and the reader for each kind."""

from __future__ import annotations

import dataclasses
import glob
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pipeline.acquire.dumps import MEGABYTES
from pipeline.acquire.listing import is_crawl_id
from pipeline.acquire.remote import is_remote
from pipeline.acquire.selection import Selection
from pipeline.errors import UsageError
from pipeline.recipe import checks
from stages.base import Stage
from stages.readers.aozora import ExtractAozora
from stages.readers.egov import ExtractEgov
from stages.readers.jsonl import ExtractJsonl
from stages.readers.kokkai import ExtractKokkai
from stages.readers.mediawiki import ExtractMediawiki
from stages.readers.parquet import ExtractParquet
from stages.readers.warc import ExtractWarc
from stages.readers.wet import ExtractWet

READERS: Mapping[str, type[Stage]] = {
    "warc": ExtractWarc,
    "mediawiki": ExtractMediawiki,
    "jsonl": ExtractJsonl,
    "parquet": ExtractParquet,
    "wet": ExtractWet,
    "aozora": ExtractAozora,
    "egov": ExtractEgov,
    "kokkai": ExtractKokkai,
}
_INDEXED = ("warc",)  # kinds whose records an index can name
_CRAWLED = ("warc", "wet")  # kinds of file that a crawl id names
_OWN = (
    "name",
    "kind",
    "files",
    "share",
    "index",
    "license",
    "attribution",
    "terms",
    "join",
    "pass_through",
    "tokens_per_host",
)
_JOINTS = ("language", "dedup")
_DUMP = ("dump_index", "range_mb")  # further ones of a dump
_NAME = re.compile(r"[^\W_][\w.-]{0,63}")
_INDEX = "paths, globs or addresses of index files, or crawl ids"
_FILES = 'paths, globs, addresses or crawl ids, e.g. files = ["crawl/*.warc.gz"] or ["CC-MAIN-2024-51"]'


@dataclass(frozen=True)
class Source:
    """One `[[source]]`: files of one kind. Earlier sources win over later ones when two documents say the same."""

    name: str
    kind: str
    files: tuple[str, ...]  # absolute paths or globs, lists of them (*.paths, *.paths.gz), addresses, crawl ids
    share: float = 1.0  # of the files that lists and crawls name, chosen by a hash of each name
    index: Selection | None = None  # `files` are then a columnar index, and this chooses records from it
    join: Literal["language", "dedup"] = "language"  # dedup: judged elsewhere, taken as they are
    pass_through: bool = False  # of another language: also compared with nothing but itself
    dump_index: str | None = None  # of a multistream dump: path or address, '' for none; None: the one beside it
    range_mb: float = MEGABYTES  # compressed, of a range of streams that is read as one partition
    tokens_per_host: int = 0  # at most so many of one host stay, in tokens of the extracted text; 0: all
    license: str = ""
    attribution: str = ""
    terms: str = ""  # URL of the terms of use
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # parameters of the reader

    @property
    def samples(self) -> dict[str, int]:
        """Samples of what is passed by: what passes it by -> N of one in N."""
        asked = {"gate": self.options.get("gate_sample", 0), "index": self.index.left_out if self.index else 0}
        return {name: n for name, n in asked.items() if n}


def sources(value: Any, folder: Path, where: str) -> tuple[Source, ...]:
    if not isinstance(value, list) or not value:
        raise UsageError(f"{where}: a recipe needs at least one [[source]] with name, kind and files")
    found = tuple(_source(item, folder, f"{where} [[source]] {i}") for i, item in enumerate(value, 1))
    names = [source.name for source in found]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"{where}: two sources are called {name!r}; give each its own name")
    return found


def _source(item: Mapping[str, Any], folder: Path, where: str) -> Source:
    every = {name for reader in READERS.values() for name in _options(reader)}
    checks.closed(item, (*_OWN, *_DUMP, *sorted(every)), where)
    kind = checks.text(item, "kind", where)
    if kind not in READERS:
        raise UsageError(f"{where}: kind = {kind!r}{checks.nearest(kind, READERS)}")
    reader = READERS[kind]
    options = _options(reader)
    checks.closed(item, (*_OWN, *options, *(_DUMP if kind == "mediawiki" else ())), where)
    name = checks.text(item, "name", where)
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{where}: name = {name!r}: it becomes part of file names: a letter or digit, then at most 63 letters, digits, '_', '-' or '.'"
        )
    files, index = _files(item, folder, kind, where)
    if index is None and kind not in _CRAWLED and any(map(is_crawl_id, files)):
        raise UsageError(f"{where}: a crawl has no files of kind {kind!r}; only of {', '.join(_CRAWLED)}")
    said: dict[str, Any] = {
        key: checks.text(item, key, where) for key in ("license", "attribution", "terms") if key in item
    }
    return Source(
        name=name,
        kind=kind,
        files=tuple(place(file, folder) for file in files),
        share=_share(item, where),
        index=index,
        **_joined(item, where),
        tokens_per_host=_cap(item, where),
        **_dump(item, folder, where),
        **said,
        options=checks.typed(reader, {k: v for k, v in item.items() if k in options}, folder, where),
    )


def _joined(item: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Where the documents come in."""
    through = item.get("pass_through", False)
    if not isinstance(through, bool):
        raise UsageError(f"{where}: pass_through = {through!r}: true or false")
    join = item.get("join", "dedup" if through else "language")
    if join not in _JOINTS:
        raise UsageError(f"{where}: join = {join!r}{checks.nearest(str(join), _JOINTS)}")
    if through and join != "dedup":
        raise UsageError(f"{where}: pass_through takes documents as they are; leave join = {join!r} out")
    return {"join": join, "pass_through": through}


def _cap(item: Mapping[str, Any], where: str) -> int:
    cap = item.get("tokens_per_host", 0)
    if isinstance(cap, bool) or not isinstance(cap, int) or cap < 0:
        raise UsageError(f"{where}: tokens_per_host = {cap!r}: a whole number of tokens, or 0 for no cap")
    return cap


def _dump(item: Mapping[str, Any], folder: Path, where: str) -> dict[str, Any]:
    """What a recipe says of how a multistream dump is cut."""
    found: dict[str, Any] = {}
    if "range_mb" in item:
        found["range_mb"] = checks.number(item["range_mb"], f"{where}: range_mb")
        if not found["range_mb"] > 0:
            raise UsageError(f"{where}: range_mb = {found['range_mb']:g}: megabytes of the dump, over 0")
    if "dump_index" in item:
        written = item["dump_index"]
        if not isinstance(written, str):
            raise UsageError(f'{where}: dump_index is the path or address of one index, or "" for none')
        if written and len(item.get("files", ())) != 1:
            raise UsageError(
                f"{where}: dump_index is of one dump; give each dump a [[source]] of its own, or leave it out"
            )
        found["dump_index"] = written and (written if is_remote(written) else str(checks.resolve(folder, written)))
    return found


def _files(item: Mapping[str, Any], folder: Path, kind: str, where: str) -> tuple[list[str], Selection | None]:
    """What `files` names, and the selection when these are the files of an index."""
    if "index" not in item:
        return checks.texts(item, "files", where, _FILES), None
    if "files" in item:
        raise UsageError(f"{where}: either files (whole files) or [source.index] (chosen records), not both")
    if "share" in item:
        raise UsageError(f"{where}: share is of whole files; for records set it in [source.index]")
    if kind not in _INDEXED:
        raise UsageError(f"{where}: kind = {kind!r} has no index; only {', '.join(_INDEXED)} has")
    where = f"{where} [source.index]"
    index = checks.table(item, "index", where)
    checks.closed(index, ("files", *checks.parameters(Selection)), where)
    wanted = {key: value for key, value in index.items() if key != "files"}
    return checks.texts(index, "files", where, _INDEX), Selection(**checks.typed(Selection, wanted, folder, where))


def place(written: str, folder: Path) -> str:
    """An address or a crawl id as it is; a path or glob as an absolute one, relative to the folder of the recipe."""
    if is_remote(written) or is_crawl_id(written):
        return written
    # The folder of the recipe is a place, not a pattern: only what the recipe itself says may have wildcards.
    return str(checks.resolve(Path(glob.escape(str(folder))), written))


def _share(item: Mapping[str, Any], where: str) -> float:
    share = checks.number(item.get("share", 1.0), f"{where}: share")
    if not 0 < share <= 1:
        raise UsageError(f"{where}: share = {share:g}: a part of the files, over 0 and at most 1")
    return share


def _options(reader: type[Stage]) -> list[str]:
    """Parameters of a reader that a recipe may set; `sample` is the dry run's."""
    return sorted(set(checks.parameters(reader)) - {"sample"})
