"""`[[against]]` tables: texts that exist already, which a crawl is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import checks
from pipeline.errors import UsageError


@dataclass(frozen=True)
class Against:
    """One corpus: a folder of a release, or Parquet files with a column of texts."""

    name: str
    files: tuple[str, ...]  # absolute paths and globs; a release folder stands for its shards
    text_column: str = "text"
    id_column: str = ""


def columns_of(each: Against) -> dict[str, str]:
    """The columns of an index; those of a release need not be said."""
    of_release = all((Path(file) / "manifest.json").exists() for file in each.files)
    id_column = each.id_column or ("id" if of_release else "")
    return {"text_column": each.text_column, "id_column": id_column}


def against(value: Any, folder: Path, where: str) -> tuple[Against, ...]:
    if not isinstance(value, list):
        raise UsageError(f"{where}: [[against]] is a list of tables with name and files")
    found = tuple(_one(item, folder, f"{where} [[against]] {i}") for i, item in enumerate(value, 1))
    names = [each.name for each in found]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"{where}: two [[against]] are called {name!r}; give each its own name")
    return found


def _one(item: Mapping[str, Any], folder: Path, where: str) -> Against:
    from pipeline.recipe_source import place

    checks.closed(item, checks.parameters(Against), where)
    files = checks.texts(item, "files", where, "a release folder, or paths and globs of Parquet files")
    columns = {key: checks.text(item, key, where) for key in ("text_column", "id_column") if key in item}
    return Against(checks.text(item, "name", where), tuple(place(file, folder) for file in files), **columns)
