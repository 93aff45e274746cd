"""Verbs for work on a cluster: `submit` and `gc`."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
import tempfile
from pathlib import Path

from pipeline.errors import DONE, UsageError
from pipeline.recipe.bundle import bundle
from pipeline.recipe.recipe import Recipe, load
from pipeline.removal.gc import find, remove
from pipeline.store.opening import open_store
from pipeline.store.store import Store
from pipeline.terminal import say

INTERRUPTED = 130


def submit(options: argparse.Namespace) -> int:
    """Hand a recipe to a cluster, or follow or stop a job that was handed in."""
    chosen = [name for name in ("recipe", "follow", "stop") if getattr(options, name)]
    if len(chosen) != 1:
        raise UsageError("submit takes a recipe, or --follow ID, or --stop ID: one of them")
    _find_cluster(options.address)
    if options.recipe:
        return _hand_in(options)
    from pipeline.on_ray.submit import Jobs

    jobs = Jobs(_say)
    return jobs.stop(options.stop) if options.stop else _follow(jobs, options.follow)


def _find_cluster(address: str | None) -> None:
    named = address or os.environ.get("RAY_API_SERVER_ADDRESS") or os.environ.get("RAY_ADDRESS")
    if not named:
        raise UsageError("which cluster? Give --address http://HEAD:8265, or set RAY_API_SERVER_ADDRESS to it")
    if address:  # the one variable that Ray heeds before all others
        os.environ["RAY_API_SERVER_ADDRESS"] = address if "://" in address else f"http://{address}"
    os.environ.setdefault("RAY_ADDRESS", named)  # this is no local Ray: a token, where there is one, is to be shown


def _hand_in(options: argparse.Namespace) -> int:
    recipe, package = bundle(Path(options.recipe), work=options.work, release=options.release)
    places = [part for name in ("work", "release") if (at := getattr(options, name)) for part in (f"--{name}", at)]
    workers = ["--workers", str(options.workers)] if options.workers else []
    disk = ["--scratch", options.scratch] if options.scratch else []
    alarms = ["--ignore-alarms"] if options.ignore_alarms else []
    entrypoint = shlex.join(["python", "-m", "pipeline", "run", package.recipe, *places, *workers, *disk, *alarms])
    from pipeline.on_ray.submit import Jobs

    jobs = Jobs(_say)
    with tempfile.TemporaryDirectory(prefix="seimai-") as scratch:
        archive = Path(scratch) / "job.zip"
        package.write(archive)
        id = jobs.submit(archive, entrypoint, recipe.name)
    if options.no_wait:
        say(id)
        return DONE
    _say(f"job {id}: {recipe.name}; Ctrl-C leaves it running")
    return _follow(jobs, id)


def _follow(jobs: object, id: str) -> int:
    from pipeline.on_ray.submit import Jobs

    assert isinstance(jobs, Jobs)
    try:
        return jobs.follow(id, sys.stdout)
    except KeyboardInterrupt:
        _say(
            f"job {id} goes on without us; see it again: seimai submit --follow {id}; end it: seimai submit --stop {id}"
        )
        return INTERRUPTED


def _say(line: str) -> None:
    print(f"seimai: {line}", file=sys.stderr, flush=True)


def gc(options: argparse.Namespace) -> int:
    """List what nothing needs any more, or remove it."""
    store, recipes = _cleaned(options)
    runs = None if options.runs is None else _age("--runs", options.runs)
    found = find(store, recipes, _age("--grace", options.grace), runs)
    total = sum(each.bytes for each in found.garbage)
    listed = remove(store, found.garbage) if options.delete else iter(found.garbage)
    for each in listed:
        say(f"{each.what}\t{len(each.files)} files\t{each.bytes / 1e6:,.1f} MB\t{each.why}")
    for note in found.notes:
        _say(note)
    how = "removed" if options.delete else "would go; --delete removes it"
    _say(f"{sum(len(each.files) for each in found.garbage):,} files, {total / 1e6:,.1f} MB {how}")
    return DONE


def _cleaned(options: argparse.Namespace) -> tuple[Store, list[Recipe]]:
    """The store to look through and the recipes that say what stays."""
    works = {target: target for target in options.targets if not target.endswith(".toml")}
    recipes = [load(target, work=options.work) for target in options.targets if target not in works]
    works |= {str(recipe.path): str(recipe.work) for recipe in recipes}
    places = {at if "://" in at else os.path.abspath(at) for at in works.values()}
    if len(places) > 1:
        told = ", ".join(f"{name} works in {at}" for name, at in works.items())
        raise UsageError(f"one work folder at a time, with all recipes that use it: {told}")
    (place,) = places
    if "://" not in place and not (Path(place) / "stages").is_dir():
        raise UsageError(
            f"{place}: no work folder: nothing was ever committed there; name a recipe (*.toml) or its work"
        )
    return open_store(place), recipes


def _age(option: str, text: str) -> float:
    """Seconds of '7d', '12h', '30m', '0s'."""
    match = re.fullmatch(r"(\d+)([dhms])", text)
    if match is None:
        raise UsageError(f"{option} {text}: a number of days, hours, minutes or seconds, e.g. 7d, 12h, 30m or 0s")
    return float(int(match[1]) * {"d": 86400, "h": 3600, "m": 60, "s": 1}[match[2]])
