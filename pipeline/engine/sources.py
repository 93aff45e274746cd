"""From what a recipe names to partitions: checked before anything runs, known by their content."""

from __future__ import annotations

import contextlib
import glob
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from pipeline.acquire import dumps
from pipeline.acquire.bring import Fetch, local_turns
from pipeline.acquire.estimate import estimate
from pipeline.acquire.listing import expand, is_crawl_id, is_list
from pipeline.acquire.parts import Parts, make_parts, put
from pipeline.acquire.remote import Network, contents, is_remote, look, open_random
from pipeline.acquire.table import index_files
from pipeline.acquire.turns import Turns
from pipeline.commit.commit import DAMAGE, digest
from pipeline.errors import UsageError
from pipeline.recipe.recipe import Recipe
from pipeline.recipe.source import READERS, Source
from pipeline.store.hashes import Hashes
from pipeline.store.near import SELECTIONS, bring_selections, keep_selections, near
from pipeline.store.opening import open_store
from pipeline.store.places import Place
from pipeline.store.sealed import seal, unseal
from pipeline.tasks.task import PartRef
from stages.base import SourceFile

# Where Common Crawl can be reached: the same name is the same content, for ever, at each of them.
_COMMON_CRAWL = ("https://data.commoncrawl.org/", "s3://commoncrawl/")
_PUBLISHED = "crawl-data/"


def partitions(recipe: Recipe) -> tuple[PartRef, ...]:
    """One partition a file (of a dump: a range of its streams), in canonical order: rank of the source, then content. UsageError names a bad file."""
    inputs = _Inputs(recipe.network, Hashes(near(recipe.work) / "sources.json"), recipe.work)
    parts: dict[str, PartRef] = {}
    for rank, source in enumerate(recipe.sources):
        for file, fetch in inputs.of(source, f"{recipe.path}: source {source.name!r}"):
            # The id tells content, kind and source, so a renamed or moved file is still the same partition, and a file
            # that two globs find is read once.
            id = digest(["partition", source.name, source.kind, file.identity])
            parts.setdefault(id, PartRef(id, source.name, rank, file, {}, fetch))
    inputs.hashes.save()
    return tuple(sorted(parts.values(), key=lambda part: (part.rank, part.id)))


def costs(recipe: Recipe, source: Source) -> list[str]:
    """What the index of a source gave and what it will cost to fetch that, for people."""
    inputs = _Inputs(recipe.network, Hashes(near(recipe.work) / "sources.json"), recipe.work)
    parts = inputs.parts(source)
    assert source.index is not None
    return estimate(parts.paths, density=source.index.density, net=recipe.network).lines()


@dataclass(frozen=True)
class _Inputs:
    network: Network
    hashes: Hashes
    work: Place

    def of(self, source: Source, where: str) -> Iterator[tuple[SourceFile, Fetch | None]]:
        if source.index is not None:
            fetch = Fetch("ranges", self.network)
            # Its own name: what it is called in reports should not hang on the number of records.
            for file in self.hashes.files(self.parts(source).paths):
                place = file.path if isinstance(self.work, Path) else str(self.work / SELECTIONS / file.name)
                yield replace(file, path=place, label=f"index part {file.name.partition('-')[0]}"), fetch
            return
        here: list[Path] = []
        for place in self._places(source, where):
            if is_remote(place):
                yield from self._ranges(source, *self._remote(place))
            else:
                here.append(Path(place))
        for file in self.hashes.files(here):
            yield from self._ranges(source, file, None)

    def _ranges(
        self, source: Source, file: SourceFile, fetch: Fetch | None
    ) -> Iterator[tuple[SourceFile, Fetch | None]]:
        """A file as it is, but a dump with its date, and in ranges where there is an index of its streams."""
        if source.kind != "mediawiki":
            yield replace(file, by_name=READERS[source.kind].by_name), fetch
            return
        file = replace(file, dated=dumps.date_in(file.name))
        index = dumps.beside(file.path) if source.dump_index is None else source.dump_index
        if not index:
            yield file, fetch
            return
        starts = self._starts(index)
        ranges = dumps.slices(starts, file.bytes, source.range_mb, index)
        if fetch is None:
            dumps.check(Path(file.path), ranges, index)
        for each in ranges:
            yield replace(file, slice=each), fetch and replace(fetch, how="slice")

    def _starts(self, index: str) -> list[int]:
        """Where the streams of a dump begin. Kept from one command to the next: that of jawiki takes seconds to read."""
        if is_remote(index):
            found = look(index, self.network, self._turns)
            name = digest(["streams", index, found.bytes, found.tag])
        else:
            (file,) = self.hashes.files([_checked(Path(index), "dump_index")])
            name = digest(["streams", file.sha256])
        kept = near(self.work) / SELECTIONS / f"{name}.json"
        with contextlib.suppress(OSError, *DAMAGE):  # not there yet, or damaged
            return [int(start) for start in unseal(kept.read_bytes())["starts"]]
        starts = dumps.offsets(contents(index, self.network, self._turns), index)
        kept.parent.mkdir(parents=True, exist_ok=True)
        put(kept, seal(json.dumps({"starts": starts}).encode()))
        return starts

    def parts(self, source: Source) -> Parts:
        assert source.index is not None
        folder, store = near(self.work), None if isinstance(self.work, Path) else open_store(self.work)
        if store is not None:
            bring_selections(store, folder)
        parts = make_parts(
            source.index,
            index_files(source.files, self.network, self._turns),
            folder / SELECTIONS,
            lambda place: open_random(place, self.network, self._turns),
        )
        if store is not None:
            keep_selections(store, folder)
        return parts

    def _places(self, source: Source, where: str) -> Iterator[str]:
        """Addresses and paths of files that exist, as far as that can be seen without asking for each."""
        for pattern in source.files:
            if is_crawl_id(pattern) or is_list(pattern):
                for name in expand(pattern, self.network, self._turns, share=source.share, kind=source.kind):
                    yield name if is_remote(name) else str(_checked(Path(name), f"{where}: {pattern}"))
            elif is_remote(pattern):
                yield pattern
            else:
                yield from map(str, found_files(pattern, where))

    def _remote(self, url: str) -> tuple[SourceFile, Fetch]:
        name = _published(url, self.network)
        label = PurePosixPath(url.partition("?")[0]).name
        if name:  # 90,000 questions for the sizes of a crawl's files would take hours, and change nothing
            return SourceFile(url, digest(["common crawl", name]), 0, label), Fetch("whole", self.network)
        found = look(url, self.network, self._turns)
        file = SourceFile(url, digest(["remote", found.bytes, found.tag]), found.bytes, label)
        return file, Fetch("whole", self.network, found.tag)

    @property
    def _turns(self) -> Turns:
        return local_turns(self.network)


def _published(url: str, network: Network) -> str:
    """The name under which Common Crawl published this for good, '' for anything else."""
    for base in (*_COMMON_CRAWL, network.base):
        name = url.removeprefix(base.rstrip("/") + "/")
        if name != url and name.startswith(_PUBLISHED):
            return name
    return ""


def found_files(pattern: str, where: str) -> list[Path]:
    """The files of a path or glob. UsageError when there is none, or one that cannot be read."""
    literal = _unescaped(pattern)
    found = [literal] if os.path.lexists(literal) else sorted(glob.glob(pattern, recursive=True))
    if not found and not glob.has_magic(literal):
        found = [literal]
    if not found:
        raise UsageError(f"{where}: no file matches {literal}")
    return [_checked(Path(path), where) for path in found]


def _unescaped(pattern: str) -> str:
    """The path that a pattern names when nothing in it is a wildcard."""
    return re.sub(r"\[([*?[])\]", r"\1", pattern)


def _checked(path: Path, where: str) -> Path:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise UsageError(f"{where}: {str(path)!a}: the name is not UTF-8; rename the file") from None
    if path.is_dir():
        raise UsageError(f"{where}: {path} is a directory; name files, e.g. {path}/*.gz")
    if not path.exists():
        raise UsageError(f"{where}: {path}: no such file")
    if not os.access(path, os.R_OK):
        raise UsageError(f"{where}: {path} cannot be read; check its permissions")
    if path.stat().st_size == 0:
        raise UsageError(f"{where}: {path} is empty (0 bytes); fetch it again or leave it out of `files`")
    return path
