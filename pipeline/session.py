"""One run, from a recipe to a release: what `seimai run`, a submitted job and the tests all call."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from pipeline.commit.erase import listed_whole
from pipeline.engine.against import indexed
from pipeline.engine.plan import Plan
from pipeline.engine.progress import Reporter
from pipeline.engine.run import Outcome, run
from pipeline.engine.runners import WhenNeeded
from pipeline.engine.sources import partitions
from pipeline.errors import UsageError
from pipeline.manifest.manifest import Manifest
from pipeline.recipe.recipe import Recipe
from pipeline.release.release import publish
from pipeline.removal import everywhere, remove
from pipeline.store import locks
from pipeline.store.opening import open_store
from pipeline.tasks.claiming import Claiming
from pipeline.tasks.claims import Peers
from pipeline.tasks.scratch import full_disks_named
from stages.release.left_out import REMOVALS


def look(recipe: Recipe) -> Plan:
    """The plan, for a verb that only reads: nothing is written but the cache of file hashes, where that can be."""
    return Plan(recipe, partitions(recipe), against=indexed(recipe))


def prepare(recipe: Recipe, sample: int = 0, *, ignore_alarms: bool = False) -> Plan:
    """Check the outputs and the inputs and make the plan. UsageError before anything has run."""
    _check_places(recipe)
    return Plan(recipe, partitions(recipe), sample, ignore_alarms, indexed(recipe))


def _check_places(recipe: Recipe) -> None:
    if recipe.work == recipe.release:
        raise UsageError(f"{recipe.path}: work and release are the same folder ({recipe.work}); give each its own")
    open_store(recipe.work).check("work")
    open_store(recipe.release).check("release")
    if not isinstance(recipe.release, Path) and open_store(recipe.release).size(REMOVALS) is not None:
        raise UsageError(
            f"{recipe.release / REMOVALS}: removals are heeded from a file that all nodes see; copy it to one and name that "
            "in [output] deny, then take it out of the bucket"
        )


def make_release(
    recipe: Recipe, runner: str, workers: int, scratch: int = 0, *, ignore_alarms: bool = False
) -> tuple[Manifest, bool]:
    """Run what is not committed yet and publish. Returns the manifest and whether the release had to change."""
    with used(recipe) as recipe:
        plan = prepare(recipe, ignore_alarms=ignore_alarms)
        store = open_store(recipe.work)
        store.sweep()
        outcome = run_plan(plan, runner, workers, scratch)
        return publish(plan, store, outcome)


@contextlib.contextmanager
def used(recipe: Recipe) -> Iterator[Recipe]:
    """The folders of a recipe, for as long as something runs in them: no removal meanwhile, and none left half done.

    Gives the recipe with the lists of removals as they then are. A bucket has no locks, and nothing is removed in one.
    """
    _check_places(recipe)
    work, release = recipe.work, recipe.release
    if not isinstance(work, Path) or not isinstance(release, Path):
        yield recipe
        return
    if (work / everywhere.PENDING).exists() or (release / remove.JOURNAL).is_dir():
        with locks.removing(work, release):
            remove.resume(release)
            everywhere.finish(work, release)
        print(f"seimai: finished a removal from {work} that was broken off", file=sys.stderr)
    with locks.running(work, release):
        lists = [file for place in (release, work) if (file := _list_of(place))]
        yield replace(recipe, deny=tuple(dict.fromkeys([*recipe.deny, *lists])))


def _list_of(folder: Path) -> str:
    """Its list of removals; '' where there is none."""
    file, content = str(folder / REMOVALS), open_store(folder).read(REMOVALS)
    if content is None:
        return ""
    listed_whole(file, content)
    return file


def run_plan(plan: Plan, runner: str, workers: int, scratch: int = 0) -> Outcome:
    work = plan.recipe.work
    store = open_store(work)
    with (
        full_disks_named(*([work] if isinstance(work, Path) else [])),
        contextlib.closing(WhenNeeded(runner, str(work), workers, scratch)) as executor,
        Reporter(work, executor.publish) as reporter,
        Peers(store) as peers,
    ):
        return run(plan, store, Claiming(executor, peers), reporter)
