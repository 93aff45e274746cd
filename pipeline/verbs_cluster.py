"""Verbs for work on a cluster: `submit`."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import tempfile
from pathlib import Path

from pipeline.bundle import bundle
from pipeline.errors import DONE, UsageError

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
    entrypoint = shlex.join(["python", "-m", "pipeline", "run", package.recipe, *places, *workers])
    from pipeline.on_ray.submit import Jobs

    jobs = Jobs(_say)
    with tempfile.TemporaryDirectory(prefix="seimai-") as scratch:
        archive = Path(scratch) / "job.zip"
        package.write(archive)
        id = jobs.submit(archive, entrypoint, recipe.name)
    if options.no_wait:
        print(id)
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
