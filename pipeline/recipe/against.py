"""`[dedup] against`: texts that exist already, which a crawl is compared with."""

from __future__ import annotations

import glob
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.acquire.remote import is_remote
from pipeline.errors import UsageError
from pipeline.manifest import index_folder
from pipeline.manifest.manifest import read
from pipeline.recipe import checks

MANIFEST = "manifest.json"  # tells a release
_WHAT = 'folders of releases or indexes, files, or tables of name and files: against = ["../first/release", { name = "c4", files = ["c4/*.parquet"] }]'
_TABLE = "paths and globs of Parquet or JSONL files, or folders of releases or indexes"


@dataclass(frozen=True)
class Against:
    """One corpus: releases, indexes, or Parquet and JSONL files with a column of texts."""

    name: str
    files: tuple[str, ...]  # absolute paths and globs; a release folder stands for its shards
    text_column: str = "text"
    id_column: str = ""

    @property
    def columns(self) -> dict[str, str]:
        """The columns of its index; those of a release need not be said."""
        of_release = all(is_release(file) for file in self.files)
        return {"text_column": self.text_column, "id_column": self.id_column or ("id" if of_release else "")}


def is_release(place: str) -> bool:
    return (Path(place) / MANIFEST).exists()


def against(table: Mapping[str, Any], folder: Path, where: str) -> tuple[Against, ...]:
    """The corpora of a `[dedup]` table. UsageError names what is wrong."""
    value = table.get("against", [])
    where = f"{where} against"
    if not isinstance(value, list):
        raise UsageError(f"{where}: a list of {_WHAT}")
    found = tuple(_one(item, folder, f"{where}[{i}]") for i, item in enumerate(value))
    names = [each.name for each in found]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"{where}: two are called {name!r}; give each a name: {{ name = …, files = […] }}")
    return found


def _one(item: Any, folder: Path, where: str) -> Against:
    if isinstance(item, str) and item:
        place = _place(item, folder, where)
        return Against(_name(place, item, where), (place,))
    if not isinstance(item, dict):
        raise UsageError(f"{where}: {item!r}: a list of {_WHAT}")
    checks.closed(item, checks.parameters(Against), where)
    files = tuple(_place(file, folder, where) for file in checks.texts(item, "files", where, _TABLE))
    columns = {key: checks.text(item, key, where) for key in ("text_column", "id_column") if key in item}
    return Against(checks.text(item, "name", where), files, **columns)


def _place(written: str, folder: Path, where: str) -> str:
    if is_remote(written):
        raise UsageError(f"{where}: {written}: an index is made of files that lie here; fetch it and give its path")
    # The folder of the recipe is a place, not a pattern: only what the recipe itself says may have wildcards.
    literal = checks.resolve(folder, written)
    return str(literal if literal.exists() else checks.resolve(Path(glob.escape(str(folder))), written))


def _name(place: str, written: str, where: str) -> str:
    """What to call a corpus whose recipe gives no name: places are nobody's business in a manifest."""
    if index_folder.is_index(place):
        return index_folder.read(Path(place)).name
    if is_release(place):
        return read(Path(place))[0].name
    if Path(place).is_dir():
        raise UsageError(
            f"{where}: {place} is no release and no index (it has no {MANIFEST} or {index_folder.FILE}); name files, e.g. {written}/*.parquet"
        )
    if glob.has_magic(written):
        raise UsageError(f'{where}: {written}: give several files a name: {{ name = "…", files = ["{written}"] }}')
    return Path(place).name
