"""What travels with a submitted job: the three packages, the recipe, and the files that it names by relative paths.

A path that a recipe writes relatively is a file of the user's, so it goes along and lies in the job as it lies here; an
absolute one is taken for a place that every node sees, and an address for one that every node can ask.
"""

from __future__ import annotations

import dataclasses
import glob
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping, MutableMapping, MutableSequence, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.acquire import dumps
from pipeline.acquire.listing import is_crawl_id
from pipeline.acquire.remote import is_remote
from pipeline.errors import UsageError
from pipeline.recipe import checks
from pipeline.recipe.identity import PACKAGES
from pipeline.recipe.recipe import TUNABLE, Recipe, parse, typed
from pipeline.recipe.source import READERS
from stages.measure.vocabulary import BUILT_IN

LIMIT = 100 << 20  # bytes of the recipe's own files; Ray keeps all that travels in the memory of its head
JOB = "job"  # the folder of the recipe and its files, beside the packages
_ROOT = Path(__file__).resolve().parents[2]
_BEGINNING = (1980, 1, 1, 0, 0, 0)  # of time, for ZIP: the same files are the same package, and uploaded once
_SKIPPED = ("__pycache__",)


@dataclass(frozen=True)
class Bundle:
    """Name in the job's working directory -> the file here."""

    files: Mapping[str, Path]
    recipe: str  # the name of the recipe among them

    def write(self, target: Path) -> None:
        """A ZIP whose bytes follow from names and contents alone."""
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as package:
            for name, file in sorted(self.files.items()):
                entry = zipfile.ZipInfo(name, _BEGINNING)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                package.writestr(entry, file.read_bytes())


@dataclass(frozen=True)
class Named:
    """One place in a recipe where a path stands."""

    where: str
    written: str
    drop: Callable[[], object]  # takes it out of the table

    @property
    def elsewhere(self) -> bool:
        """Not a path here at all: an address, a crawl, or what is built in."""
        return not self.written or is_remote(self.written) or is_crawl_id(self.written)


def bundle(path: Path, *, work: str | None = None, release: str | None = None) -> tuple[Recipe, Bundle]:
    """Check a recipe for a job and gather what must travel with it. UsageError before anything is uploaded."""
    table = parse(path)
    recipe = _checked(parse(path), path, work, release)
    if recipe.relative:
        raise UsageError(temporary_copy(recipe.relative))
    folder = path.resolve().parent
    own = [file for place in named(table, str(path)) for file in _travelling(place, folder)]
    _refuse_large(own, path)
    root = os.path.commonpath([folder, *(file.parent for file in own)])
    files = {f"{JOB}/{os.path.relpath(file, root)}": file for file in [path.resolve(), *own]}
    recipe_name = f"{JOB}/{os.path.relpath(path.resolve(), root)}"
    return recipe, Bundle({**_packages(), **files}, recipe_name)


def temporary_copy(relative: Sequence[str]) -> str:
    return (
        f"{' and '.join(relative)}: a relative path in a submitted job would lie in the job's working directory, a "
        "temporary copy that is deleted; give absolute paths that every node sees (--work /mnt/... --release /mnt/...)"
    )


def named(table: Mapping[str, Any], where: str) -> Iterator[Named]:
    """Every place of a recipe's TOML where a path of an input, list or model may stand."""
    for number, source in enumerate(_tables(table.get("source")), 1):
        here = f"{where} [[source]] {number}"
        reader = READERS.get(str(source.get("kind")))
        for key in ("files", "dump_index", *(_paths(reader) if reader else ())):
            yield from _at(source, key, here)
        if isinstance(source.get("index"), dict):
            yield from _at(source["index"], "files", f"{here} [source.index]")
    for number, measure in enumerate(_tables(table.get("measure")), 1):
        yield from _at(measure, "path", f"{where} [[measure]] {number}")
    for name, parameters in table.get("stages", {}).items():
        if name in TUNABLE and isinstance(parameters, dict):
            for key in _paths(TUNABLE[name]):
                yield from _at(parameters, key, f"{where} [stages.{name}]")
    tokenizers = table.get("tokenizers", {})
    for key, value in tokenizers.items() if isinstance(tokenizers, dict) else ():
        holder, name = (value, "file") if isinstance(value, dict) else (tokenizers, key)
        yield from (found for found in _at(holder, name, f"{where} [tokenizers]") if found.written != BUILT_IN)
    if isinstance(table.get("output"), dict):
        yield from _at(table["output"], "deny", f"{where} [output]")


def _tables(value: Any) -> list[MutableMapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _paths(cls: Callable[..., Any]) -> list[str]:
    return [f.name for f in dataclasses.fields(cls) if f.metadata.get("path")]  # type: ignore[arg-type]


def _at(table: MutableMapping[str, Any], key: str, where: str) -> Iterator[Named]:
    """The path or paths at one key. What is of another type is for the recipe's own checks to refuse."""
    value = table.get(key)
    if isinstance(value, str):
        yield Named(f"{where} {key}", value, lambda: table.pop(key))
    elif isinstance(value, MutableSequence):
        for item in [item for item in value if isinstance(item, str)]:
            yield Named(f"{where} {key}", item, lambda item=item: value.remove(item))  # type: ignore[misc]


def _checked(table: dict[str, Any], path: Path, work: str | None, release: str | None) -> Recipe:
    """The recipe by its own checks, without the lists that only the cluster has: whether those are there, it must tell."""
    optional = [*_tables(table.get("source")), *([table["output"]] if isinstance(table.get("output"), dict) else [])]
    for place in [place for place in named(table, str(path)) if place.where.endswith((" deny", " block_hosts"))]:
        if os.path.isabs(place.written) and not glob.glob(place.written, recursive=True):
            place.drop()
    for holder in optional:
        for key in ("deny", "block_hosts"):
            if holder.get(key) == []:
                del holder[key]
    return typed(table, path, work=work, release=release)


def _travelling(place: Named, folder: Path) -> Iterator[Path]:
    """The files that a relative path means, with the index of a dump, which is looked for beside it."""
    if place.elsewhere or os.path.isabs(place.written):
        return
    if place.written.startswith("~"):
        raise UsageError(
            f"{place.where}: {place.written}: the home folder of a job is another one; give a path relative to the "
            "recipe, which travels with the job, or an absolute one that every node sees"
        )
    pattern = str(checks.resolve(Path(glob.escape(str(folder))), place.written))
    literal = str(checks.resolve(folder, place.written))
    found = [literal] if os.path.lexists(literal) else sorted(glob.glob(pattern, recursive=True))
    if not found:
        raise UsageError(f"{place.where}: no file matches {literal}")
    for each in map(Path, found):
        yield from sorted(file for file in each.rglob("*") if file.is_file()) if each.is_dir() else (each,)
        if index := dumps.beside(str(each)):
            yield Path(index)


def _refuse_large(files: Sequence[Path], path: Path) -> None:
    sizes = {file: file.stat().st_size for file in files}
    total = sum(sizes.values())
    if total > LIMIT:
        largest = max(sizes, key=lambda file: sizes[file])
        raise UsageError(
            f"{path}: the files that it names by relative paths have {total / 1e6:,.0f} MB (the largest: {largest}); up "
            f"to {LIMIT / 1e6:,.0f} MB travel with a job: put them where every node sees them and give absolute paths"
        )


def _packages() -> dict[str, Path]:
    """The source of this very program, installed or a checkout, so that the job runs what was tried here."""
    return {
        file.relative_to(_ROOT).as_posix(): file
        for package in PACKAGES
        for file in sorted((_ROOT / package).rglob("*"))
        if file.is_file() and not any(part in _SKIPPED for part in file.parts)
    }
