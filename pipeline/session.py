"""One run, from a recipe to a release: what `seimai run`, a submitted job and the tests all call."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from pipeline import everywhere, locks, remove
from pipeline.errors import UsageError
from pipeline.manifest import Manifest
from pipeline.plan import Plan
from pipeline.progress import Reporter
from pipeline.recipe import Recipe
from pipeline.release import publish
from pipeline.run import Outcome, run
from pipeline.runners import WhenNeeded
from pipeline.sources import partitions
from pipeline.store import LocalStore, sweep_scratch
from stages.left_out import REMOVALS


def look(recipe: Recipe) -> Plan:
    """The plan, for a verb that only reads: nothing is written but the cache of file hashes, where that can be."""
    return Plan(recipe, partitions(recipe))


def prepare(recipe: Recipe, sample: int = 0, *, ignore_alarms: bool = False) -> Plan:
    """Check the outputs and the inputs and make the plan. UsageError before anything has run."""
    _check_places(recipe)
    return Plan(recipe, partitions(recipe), sample, ignore_alarms)


def _check_places(recipe: Recipe) -> None:
    if recipe.work == recipe.release:
        raise UsageError(f"{recipe.path}: work and release are the same folder ({recipe.work}); give each its own")
    _writable(recipe.work, "work")
    _writable(recipe.release, "release")


def make_release(recipe: Recipe, runner: str, workers: int, *, ignore_alarms: bool = False) -> tuple[Manifest, bool]:
    """Run what is not committed yet and publish. Returns the manifest and whether the release had to change."""
    with used(recipe) as recipe:
        plan = prepare(recipe, ignore_alarms=ignore_alarms)
        sweep_scratch(recipe.work)
        outcome = run_plan(plan, runner, workers)
        return publish(plan, LocalStore(recipe.work), outcome)


@contextlib.contextmanager
def used(recipe: Recipe) -> Iterator[Recipe]:
    """The folders of a recipe, for as long as something runs in them: no removal meanwhile, and none left half done.

    Gives the recipe with the lists of removals as they then are."""
    _check_places(recipe)
    work, release = recipe.work, recipe.release
    if (work / everywhere.PENDING).exists() or (release / remove.JOURNAL).is_dir():
        with locks.removing(work, release):
            remove.resume(release)
            everywhere.finish(work, release)
        print(f"seimai: finished a removal from {work} that was broken off", file=sys.stderr)
    with locks.running(work, release):
        lists = [str(file) for place in (release, work) if (file := place / REMOVALS).is_file()]
        yield replace(recipe, deny=tuple(dict.fromkeys([*recipe.deny, *lists])))


def run_plan(plan: Plan, runner: str, workers: int) -> Outcome:
    work = plan.recipe.work
    with Reporter(work) as reporter, contextlib.closing(WhenNeeded(runner, str(work), workers)) as executor:
        return run(plan, LocalStore(work), executor, reporter)


def _writable(folder: Path, what: str) -> None:
    """Fail now rather than after an hour. The nearest existing folder above must be a directory we may write in."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):  # without a name where the system can: a kill leaves nothing
            pass
    except OSError as error:
        raise UsageError(
            f"{what} folder {folder} cannot be written: {error.strerror}; change [output] {what} or --{what}"
        ) from None
