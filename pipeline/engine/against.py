"""Indexes of other corpora: their files, the stage that builds them, and what they know of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.commit.commit import Committed
from pipeline.engine.plan import Plan, Survey, band_groups, barrier_unit, chain_units, survey
from pipeline.engine.sources import found_files
from pipeline.errors import UsageError
from pipeline.manifest import index_folder
from pipeline.manifest.index_folder import is_index
from pipeline.manifest.manifest import load
from pipeline.recipe.against import is_release
from pipeline.recipe.recipe import Recipe
from pipeline.store.hashes import Hashes
from pipeline.store.near import near
from pipeline.store.store import Store
from pipeline.tasks.task import PartRef, Unit
from stages.base import MAIN, SourceFile
from stages.indexes.index import KEYS_OUTPUT

# Name of a barrier and its units -> their markers, in order; None where one is not there and is not to be run.
Brought = Callable[[str, Sequence[Unit]], list[Committed] | None]


def indexed(recipe: Recipe) -> tuple[PartRef, ...]:
    """A part for each file that a recipe is compared with, by name of the corpus and content. UsageError names a bad file."""
    if not recipe.against:
        return ()
    hashes = Hashes(near(recipe.work) / "sources.json")
    parts: dict[str, PartRef] = {}
    for each in recipe.against:
        where = f"{recipe.path}: dedup.against {each.name!r}"
        for place in each.files:
            _refuse_own(Path(place), recipe, where)
            if is_index(place):
                found = index_folder.parts(Path(place), each.name, recipe.index(each), where)
                parts.update({part.id: part for part in found})
                continue
            for file in _files(place, recipe, hashes, where):
                id = index_folder.part_id(each.name, file.identity)
                parts.setdefault(id, PartRef(id, each.name, -1, file, {}))
    hashes.save()
    return tuple(sorted(parts.values(), key=lambda part: (part.source, part.id)))


def _files(place: str, recipe: Recipe, hashes: Hashes, where: str) -> list[SourceFile]:
    """The files of texts that a path, a glob or the folder of a release names."""
    if not is_release(place):
        paths = found_files(place, where)
        for path in paths:
            _refuse_own(path, recipe, where)
        return hashes.files(paths)
    # A release without a document has no shard; its index is empty.
    stated = {str(Path(place) / entry.path): entry.sha256 for entry in load(Path(place))[1]}
    files = hashes.files([path for name in stated for path in found_files(name, where)])
    for file in files:
        if file.sha256 != stated[file.path]:
            raise UsageError(
                f"{where}: {file.path}: sha256 is {file.sha256[:16]}…, its manifest says {stated[file.path][:16]}…; "
                f"see `seimai verify {place}`"
            )
    return files


def _refuse_own(path: Path, recipe: Recipe, where: str) -> None:
    release = recipe.release
    if isinstance(release, Path) and path.resolve().is_relative_to(release.resolve()):
        raise UsageError(
            f"{where}: {path} is the release of this recipe: compared with its own result a run keeps nothing; take it out, "
            "or give this run another [output] release"
        )


def unbuilt(plan: Plan, store: Store) -> Survey:
    """What is committed of the indexes that this run makes itself."""
    return survey(store, plan.index_chains, [part for part in plan.against if part.file is not None])


def index_units(plan: Plan, parts: Sequence[PartRef]) -> list[Unit]:
    return [replace(unit, label=f"index {unit.label}") for unit in chain_units(plan.index_chains, parts)]


def as_parts(plan: Plan, markers: Mapping[str, Mapping[str, Committed]]) -> tuple[PartRef, ...]:
    """All indexes as parts of the barrier that reads them. `markers`: of those that this run makes."""
    return tuple(_of(part, markers[part.id]["index"]) if part.id in markers else part for part in plan.against)


def _of(part: PartRef, marker: Committed) -> PartRef:
    lost = marker.quarantine["rows"] if marker.quarantine else 0
    index = {**marker.outputs[MAIN], "left_out": lost + marker.counters.get("without a text", 0)}
    return PartRef(part.id, part.source, -1, None, {"index": index, "index-keys": marker.outputs[KEYS_OUTPUT]})


def known(
    plan: Plan, parts: Sequence[PartRef], indexes: Sequence[PartRef], brought: Brought
) -> tuple[PartRef, ...] | None:
    """The parts with what the indexes know of them; as they are where none is asked; None where that is missing."""
    if not plan.recipe.against:
        return tuple(parts)
    stage = plan.recipe.known()
    units = [barrier_unit(stage, [*members, *indexes], f"known {label}") for label, members in band_groups(parts)]
    if (markers := brought("known", units)) is None:
        return None
    by_part = {id: output for marker in markers for id, output in marker.outputs.items()}
    return tuple(part.add("known", by_part[part.id]) for part in parts)


def committed_known(plan: Plan, store: Store, parts: Sequence[PartRef], brought: Brought) -> tuple[PartRef, ...] | None:
    """The same from what is committed."""
    found = unbuilt(plan, store)
    if found.todo:
        return None
    return known(plan, parts, as_parts(plan, found.markers), brought)
