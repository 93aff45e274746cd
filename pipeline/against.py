"""Indexes of other corpora: their files, the stage that builds them, and what they know of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pipeline import manifest
from pipeline.commit import Committed, digest
from pipeline.errors import UsageError
from pipeline.hashes import Hashes
from pipeline.plan import Plan, band_groups, barrier_unit, survey
from pipeline.recipe import Recipe
from pipeline.sources import found_files
from pipeline.store import Store
from pipeline.task import PartRef, Unit
from stages.base import MAIN
from stages.index import KEYS_OUTPUT

# Name of a barrier and its units -> their markers, in order; None where one is not there and is not to be run.
Brought = Callable[[str, Sequence[Unit]], list[Committed] | None]


def indexed(recipe: Recipe) -> tuple[PartRef, ...]:
    """A part for each file that a recipe is compared with, by name of the corpus and content. UsageError names a bad file."""
    if not recipe.against:
        return ()
    hashes = Hashes(recipe.work / "sources.json")
    parts: dict[str, PartRef] = {}
    for each in recipe.against:
        where = f"{recipe.path}: against {each.name!r}"
        for file in hashes.files([path for pattern in each.files for path in _files(pattern, where)]):
            id = digest(["against", each.name, file.identity])
            parts.setdefault(id, PartRef(id, each.name, -1, file, {}))
    hashes.save()
    return tuple(sorted(parts.values(), key=lambda part: part.id))


def _files(pattern: str, where: str) -> list[Path]:
    folder = Path(pattern)
    if not folder.is_dir():
        return found_files(pattern, where)
    if not (folder / "manifest.json").exists():
        raise UsageError(
            f"{where}: {folder} is no release (there is no manifest.json); name files, e.g. {folder}/*.parquet"
        )
    return [folder / entry.path for entry in manifest.read(folder)[1]]


def as_parts(parts: Sequence[PartRef], markers: Mapping[str, Mapping[str, Committed]]) -> list[PartRef]:
    """The indexes as parts of the barrier that reads them."""
    return [
        PartRef(part.id, part.source, -1, None, {"index": found[MAIN], "index-keys": found[KEYS_OUTPUT]})
        for part in parts
        if (found := markers[part.id]["index"].outputs)
    ]


def known(
    plan: Plan, parts: Sequence[PartRef], indexes: Sequence[PartRef], brought: Brought
) -> tuple[PartRef, ...] | None:
    """The parts with what the indexes know of them; as they are where there is none; None where that is missing."""
    if not plan.against:
        return tuple(parts)
    stage = plan.recipe.known()
    units = [barrier_unit(stage, [*members, *indexes], f"known {label}") for label, members in band_groups(parts)]
    if (markers := brought("known", units)) is None:
        return None
    by_part = {id: output for marker in markers for id, output in marker.outputs.items()}
    return tuple(part.add("known", by_part[part.id]) for part in parts)


def committed_known(plan: Plan, store: Store, parts: Sequence[PartRef], brought: Brought) -> tuple[PartRef, ...] | None:
    """The same from what is committed."""
    found = survey(store, plan.index_chains, plan.against)
    if found.todo:
        return None
    return known(plan, parts, as_parts(plan.against, found.markers), brought)
