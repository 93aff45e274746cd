"""One run, from a recipe to a release: what `seimai run`, a submitted job and the tests all call."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

from pipeline.claiming import Claiming
from pipeline.claims import Peers
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


def look(recipe: Recipe) -> Plan:
    """The plan, for a verb that only reads: nothing is written but the cache of file hashes, where that can be."""
    return Plan(recipe, partitions(recipe))


def prepare(recipe: Recipe, sample: int = 0, *, ignore_alarms: bool = False) -> Plan:
    """Check the outputs and the inputs and make the plan. UsageError before anything has run."""
    if recipe.work == recipe.release:
        raise UsageError(f"{recipe.path}: work and release are the same folder ({recipe.work}); give each its own")
    _writable(recipe.work, "work")
    _writable(recipe.release, "release")
    return Plan(recipe, partitions(recipe), sample, ignore_alarms)


def make_release(recipe: Recipe, runner: str, workers: int, *, ignore_alarms: bool = False) -> tuple[Manifest, bool]:
    """Run what is not committed yet and publish. Returns the manifest and whether the release had to change."""
    plan = prepare(recipe, ignore_alarms=ignore_alarms)
    sweep_scratch(recipe.work)
    outcome = run_plan(plan, runner, workers)
    return publish(plan, LocalStore(recipe.work), outcome)


def run_plan(plan: Plan, runner: str, workers: int) -> Outcome:
    work = plan.recipe.work
    store = LocalStore(work)
    with (
        Reporter(work) as reporter,
        Peers(store) as peers,
        contextlib.closing(WhenNeeded(runner, str(work), workers)) as executor,
    ):
        return run(plan, store, Claiming(executor, peers), reporter)


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
