"""Recipes: what goes in, how it is polished and where it goes. TOML, typed, closed: an unknown key is an error."""

from __future__ import annotations

import dataclasses
import difflib
import glob
import math
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from filters import FILTERS
from pipeline.errors import UsageError
from stages.bands import Bands
from stages.base import Stage
from stages.dedup import Dedup
from stages.extract_mediawiki import ExtractMediawiki
from stages.extract_warc import ExtractWarc
from stages.judge import Bound, bounds_for
from stages.language import Language
from stages.minhash import MinHashStage
from stages.tokens import Tokens
from stages.write import Shards, Write

READERS: Mapping[str, type[Stage]] = {"warc": ExtractWarc, "mediawiki": ExtractMediawiki}
_NAME = re.compile(r"[^\W_][\w.-]{0,63}")
# Stages with parameters of their own in `[stages.<name>]`; readers take theirs in their `[[source]]`.
TUNABLE: Mapping[str, type[Stage]] = {
    "language": Language,
    "tokens": Tokens,
    "minhash": MinHashStage,
    "bands": Bands,
    "dedup": Dedup,
    "shards": Shards,
}


@dataclass(frozen=True)
class Source:
    """One `[[source]]`: files of one kind. Earlier sources win over later ones when two documents say the same."""

    name: str
    kind: str
    files: tuple[str, ...]
    license: str = ""
    attribution: str = ""
    terms: str = ""  # URL of the terms of use
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # parameters of the reader


@dataclass(frozen=True)
class Recipe:
    path: Path
    name: str
    sources: tuple[Source, ...]
    work: Path
    release: Path
    bounds: tuple[Bound, ...]
    because: Mapping[str, str]  # code -> reason of a bound that differs from the filter's own
    stages: Mapping[str, Mapping[str, Any]]  # name -> parameters
    relative: tuple[str, ...] = ()  # output paths as they were written, where that was relative

    def stage(self, name: str) -> Stage:
        """The tunable stage `name` with the recipe's parameters."""
        return TUNABLE[name](**self.stages.get(name, {}))

    def reader(self, source: Source, **more: Any) -> Stage:
        return READERS[source.kind](**{**source.options, **more})

    def writer(self, source: Source) -> Write:
        return Write(source.name, source.license, **self._tokenizer())

    def shards(self) -> Shards:
        return Shards(**{**self._tokenizer(), **self.stages.get("shards", {})})

    def bands(self) -> Bands:
        return Bands(**{**self._of_minhash("permutations"), **self.stages.get("bands", {})})

    def dedup(self) -> Dedup:
        return Dedup(**{**self._of_minhash("ngram"), **self.stages.get("dedup", {})})

    def _tokenizer(self) -> dict[str, Any]:
        return dict(self.stages.get("tokens", {}))

    def _of_minhash(self, parameter: str) -> dict[str, Any]:
        """A parameter that follows `[stages.minhash]` unless it is set."""
        minhash = self.stages.get("minhash", {})
        return {parameter: minhash[parameter]} if parameter in minhash else {}


def load(path: str | Path, *, work: str | None = None, release: str | None = None) -> Recipe:
    """Read a recipe. Relative paths in it are relative to its own folder. UsageError names the key and the mend."""
    path = Path(path)
    table = _parse(path)
    where = str(path)
    _closed(table, ("name", "source", "filters", "stages", "output"), where)
    folder = path.resolve().parent
    sources = _sources(table.get("source"), folder, where)
    output = _table(table, "output", where)
    _closed(output, ("work", "release"), f"{where} [output]")
    places = {"work": work or _text(output, "work", f"{where} [output]"),
              "release": release or _text(output, "release", f"{where} [output]")}  # fmt: skip
    bounds, because = _bounds(_table(table, "filters", where), where)
    return Recipe(
        path=path,
        name=_text(table, "name", where),
        sources=sources,
        work=_resolve(Path.cwd() if work else folder, places["work"]),
        release=_resolve(Path.cwd() if release else folder, places["release"]),
        bounds=bounds,
        because=because,
        stages=_stages(_table(table, "stages", where), where),
        relative=tuple(f"{what} = {place}" for what, place in places.items() if not os.path.isabs(place)),
    )


def _parse(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        raise UsageError(f"{path}: no such recipe; see manifests/ for examples") from None
    except IsADirectoryError:
        raise UsageError(f"{path} is a directory; give the recipe file in it (*.toml)") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from None


def _sources(value: Any, folder: Path, where: str) -> tuple[Source, ...]:
    if not isinstance(value, list) or not value:
        raise UsageError(f"{where}: a recipe needs at least one [[source]] with name, kind and files")
    sources = tuple(_source(item, folder, f"{where} [[source]] {i}") for i, item in enumerate(value, 1))
    names = [source.name for source in sources]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"{where}: two sources are called {name!r}; give each its own name")
    return sources


def _source(item: Mapping[str, Any], folder: Path, where: str) -> Source:
    own = ("name", "kind", "files", "license", "attribution", "terms")
    every = {name for reader in READERS.values() for name in _options(reader)}
    _closed(item, (*own, *sorted(every)), where)
    kind = _text(item, "kind", where)
    if kind not in READERS:
        raise UsageError(f"{where}: kind = {kind!r}{_nearest(kind, READERS)}")
    reader = READERS[kind]
    options = _options(reader)
    _closed(item, (*own, *options), where)
    files = item.get("files")
    if not isinstance(files, list) or not files or not all(isinstance(f, str) for f in files):
        raise UsageError(f'{where}: files must be a list of paths or globs, e.g. files = ["crawl/*.warc.gz"]')
    name = _text(item, "name", where)
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{where}: name = {name!r}: it becomes part of file names: a letter or digit, then at most 63 letters, digits, '_', '-' or '.'"
        )
    return Source(
        name=name,
        kind=kind,
        # The folder of the recipe is a place, not a pattern: only what the recipe itself says may have wildcards.
        files=tuple(str(_resolve(Path(glob.escape(str(folder))), os.path.expanduser(f))) for f in files),
        **{key: _text(item, key, where) for key in ("license", "attribution", "terms") if key in item},
        options=_typed(reader, {k: v for k, v in item.items() if k in options}, where),
    )


def _options(reader: type[Stage]) -> list[str]:
    """Parameters of a reader that a recipe may set; `sample` is the dry run's."""
    return sorted(set(_parameters(reader)) - {"sample"})


def _bounds(table: Mapping[str, Any], where: str) -> tuple[tuple[Bound, ...], dict[str, str]]:
    """Select filters by code or code prefix and move bounds; every moved bound says why."""
    where = f"{where} [filters]"
    _closed(table, ("select", "ignore", "bounds"), where)
    chosen = _select(table.get("select", ["JA"]), where) - _select(table.get("ignore", []), where)
    bounds = {bound.code: bound for bound in bounds_for(sorted(chosen))}
    because: dict[str, str] = {}
    for code, change in _table(table, "bounds", where).items():
        here = f"{where} bounds.{code}"
        if code not in FILTERS:
            raise UsageError(f"{here}: no such filter{_nearest(code, FILTERS)}; `seimai filters` lists them")
        if code not in bounds:
            raise UsageError(f"{here}: the filter is not selected; add {code!r} to select")
        if not isinstance(change, dict):
            raise UsageError(
                f"{here}: must be a table, e.g. [filters.bounds.{code}] with at_least or at_most, and because"
            )
        _closed(change, ("at_least", "at_most", "because"), here)
        because[code] = _text(change, "because", f"{here} (a moved bound must say why)")
        low, high = bounds[code].at_least, bounds[code].at_most
        if "at_least" in change:
            low = _number(change["at_least"], f"{here}.at_least")
        if "at_most" in change:
            high = _number(change["at_most"], f"{here}.at_most")
        bounds[code] = Bound(code, low, high)
    return tuple(bounds.values()), because


def _select(prefixes: Any, where: str) -> set[str]:
    if not isinstance(prefixes, list):
        raise UsageError(f"{where}: select and ignore are lists of codes or code prefixes, e.g. ['JA1', 'JA203']")
    chosen: set[str] = set()
    for prefix in prefixes:
        found = {code for code in FILTERS if code.startswith(str(prefix))}
        if not found:
            raise UsageError(
                f"{where}: no filter is called {prefix!r}{_nearest(str(prefix), FILTERS)}; see `seimai filters`"
            )
        chosen |= found
    return chosen


def _stages(table: Mapping[str, Any], where: str) -> dict[str, dict[str, Any]]:
    _closed(table, tuple(TUNABLE), f"{where} [stages]")
    return {name: _typed(TUNABLE[name], _table(table, name, where), f"{where} [stages.{name}]") for name in table}


def _parameters(stage: type[Stage]) -> list[str]:
    return [f.name for f in dataclasses.fields(stage)]  # type: ignore[arg-type]


def _typed(stage: type[Stage], values: Mapping[str, Any], where: str) -> dict[str, Any]:
    _closed(values, tuple(_parameters(stage)), where)
    hints = get_type_hints(stage)
    typed = {}
    for key, value in values.items():
        try:
            typed[key] = TypeAdapter(hints[key]).validate_python(value)
        except ValidationError as error:
            raise UsageError(f"{where}: {key} = {value!r}: {error.errors()[0]['msg']}") from None
    try:
        stage(**typed)
    except ValueError as error:
        raise UsageError(f"{where}: {error}") from None
    return typed


def _closed(table: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in known:
            raise UsageError(f"{where}: unknown key {key!r}{_nearest(key, known)}")


def _nearest(name: str, known: Any) -> str:
    names = sorted(known)
    close = difflib.get_close_matches(name, names, 1, 0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(names)}"


def _table(table: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    value = table.get(key, {})
    if not isinstance(value, dict):
        raise UsageError(f"{where}: {key} must be a table")
    return value


def _text(table: Mapping[str, Any], key: str, where: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{where}: {key} is missing; it must be a text")
    return value


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UsageError(f"{where} = {value!r}: must be a finite number; leave a bound out to open it")
    return float(value)


def _resolve(folder: Path, path: str) -> Path:
    return Path(os.path.normpath(folder / path))
