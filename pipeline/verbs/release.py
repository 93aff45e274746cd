"""Verbs on a finished release: verify, report, export, remove."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from pipeline.errors import DONE, InputError, ShortError, UsageError
from pipeline.store.places import Place
from pipeline.terminal import say
from pipeline.verbs.last_run import recall

if TYPE_CHECKING:
    from pipeline.manifest.manifest import Manifest
    from pipeline.recipe.recipe import Recipe


def verify(options: argparse.Namespace) -> int:
    from pipeline.export import stale
    from pipeline.release.verify import verify

    release = _release(options.release)
    manifest, problems = verify(release, options.mode, options.workers, _command(release))
    if options.export is not None and (told := stale(options.export, manifest)):
        problems.append(told)
    for problem in problems:
        say(problem)
    if problems:
        raise ShortError(f"{release}: {len(problems)} problem(s) found")
    size = manifest.shards
    how = "whole" if options.mode == "sha256" else "all files there, of the right size"
    say(
        f"{release}: {how}: {size.documents:,} documents, {size.characters:,} characters, "
        f"{', '.join(f'{n:,} {key} tokens' for key, n in size.tokens.items())}; {manifest.funnel.records:,} records accounted for; id {manifest.id[:16]}"
    )
    return DONE


def _release(place: Place) -> Place:
    """The release that is named by its own place, or by the recipe that made it."""
    from pipeline.recipe.recipe import load

    return load(place).release if isinstance(place, Path) and place.suffix == ".toml" else place


def _command(release: Place) -> str:
    """The command that makes a release again, where it was made here; else as much of it as a release tells."""
    from pipeline.manifest.manifest import shelf
    from pipeline.recipe.recipe import load

    options = argparse.Namespace(work=None, release=None)
    try:
        folder = shelf(release).place
        recall(options, of=folder)
        recipe = load(options.recipe, work=options.work, release=options.release)
        if recipe.release == (Path(os.path.abspath(folder)) if isinstance(folder, Path) else folder):
            places = [f" --{what} {shlex.quote(at)}" for what in ("work", "release") if (at := getattr(options, what))]
            return f"seimai run {shlex.quote(options.recipe)}{''.join(places)}"
    except UsageError:
        pass
    return "seimai run RECIPE, the recipe that made it"


def report(options: argparse.Namespace) -> int:
    """What a release holds, and its hosts with the most kept tokens."""
    from pipeline.explain.report import show
    from pipeline.manifest.manifest import load, shelf
    from stages.parquet import open_checked

    place = _release(options.release)
    manifest, _ = load(place)
    store = shelf(place)
    console = Console(highlight=False, markup=False)
    show(manifest, store.place, console)
    if manifest.new is not None:
        say(f"\nnew by host, those that add most, of {manifest.new.hosts:,}:")
        say("\t".join(("characters", "documents", "known", "host")))
        for host in manifest.new.most[: options.hosts]:
            say("\t".join(map(str, (host.characters, host.documents, host.known, host.host or "(none)"))))
    with open_checked(store.path(manifest.hosts.path)) as file:
        rows = file.read().slice(0, options.hosts).to_pylist()
    say(f"\nhosts by kept tokens, {len(rows)} of {manifest.hosts.hosts:,} ({manifest.hosts.path} has all):")
    say("\t".join(("tokens", "kept", "of", "rate", "duplicates", "host", "source", "main reason of the others")))
    for row in rows:
        why = f"{row['main_reason']} ({row['main_reason_documents']})" if row["main_reason"] else ""
        counts = (row["tokens"], row["kept"], row["documents"], f"{row['keep_rate']:.0%}", row["duplicates"])
        say("\t".join(map(str, (*counts, row["host"] or "(none)", row["source"], why))))
    return DONE


def export(options: argparse.Namespace) -> int:
    from pipeline.export import Release, again, croissant, hf, megatron

    release = Release.open(_release(options.release))
    if options.refresh == (options.to is not None):
        raise UsageError("export: --to and what to make, or --refresh to make again what is in OUT")
    if options.refresh:
        lines = again.refresh(release, options.out, options.workers)
    elif options.to == "hf":
        lines = hf.export(release, options.out)
    elif options.to == "croissant":
        lines = croissant.export(release, options.out, options.base_url)
    else:
        key, _, file = options.tokenizer.partition("=")
        settings = megatron.Options(
            key=key,
            file=file or "qwen",
            eod=options.eod,
            repeats=dict(map(_repeat, options.repeat)),
            prefix=options.prefix,
            workers=options.workers,
        )
        lines = megatron.export(release, options.out, settings)
    say("\n".join(lines))
    return DONE


def _repeat(text: str) -> tuple[str, float]:
    source, _, times = text.rpartition("=")
    try:
        number = float(times)
    except ValueError:
        number = -1.0
    if not source or not 0 < number < 1000:
        raise UsageError(f"--repeat {text}: SOURCE=EPOCHS, e.g. --repeat wiki=2")
    return source, number


def remove(options: argparse.Namespace) -> int:
    from pipeline.removal import everywhere
    from pipeline.removal.remove import asked, remove
    from pipeline.store import locks

    if not isinstance(options.release, Path):
        raise UsageError(
            f"{options.release}: a release in a bucket cannot be edited in place; copy it to a folder, remove there, and "
            "copy it back, its manifest.json last"
        )
    asks = asked(options.ticket, options.urls, options.hosts, options.ids)
    folder: Path = options.release if options.release.is_dir() else options.release.parent
    if not (folder / "manifest.json").exists():
        raise UsageError(f"{folder}: no manifest here; give the release folder of a finished run")
    recipe, work = _work_of(options, folder) if options.everywhere else (None, None)
    with locks.removing(folder, *([work] if work else [])):
        if work is not None:
            everywhere.finish(work, folder)  # one that was killed
            asks += _also(recipe, work, asks)
            everywhere.begin(work, asks)
        manifest, documents = remove(options.release, asks)
        say(f"{folder}: {documents:,} documents removed by {asks[0]['ticket']}; id {manifest.id[:16]}")
        if not documents:
            print(
                "seimai: nothing in it is like that: a URL counts as the column url has it, a host as the column host does",
                file=sys.stderr,
            )
        if work is not None and (erasure := everywhere.finish(work, folder)) is not None:
            say(erasure.told(work))
        for line in _refreshed(folder, manifest, options.export):
            say(line)
    left = "" if options.everywhere else "; a work folder may still hold their text (--everywhere erases it)"
    print(
        "seimai: later runs into this folder leave them out; exports elsewhere and earlier copies still hold them: `seimai "
        f"export {folder} OUT --refresh` for each{left}",
        file=sys.stderr,
    )
    return DONE


def _work_of(options: argparse.Namespace, folder: Path) -> tuple[Recipe | None, Path]:
    """The work folder that a release was made from, and its recipe where that is known."""
    from pipeline.recipe.recipe import load

    said = options.recipe
    if said is None:
        last = argparse.Namespace(work=options.work, release=None)
        try:
            recall(last, of=folder)
            recipe = load(last.recipe, work=last.work, release=last.release)
            if os.path.realpath(str(recipe.release)) == os.path.realpath(folder):
                return recipe, _folder(recipe.work)
        except UsageError:
            pass
        if options.work is None:
            raise UsageError(
                "--everywhere: which run made this release? give --run RECIPE, or --work and its work folder"
            )
        return None, Path(options.work)
    recipe = load(said, work=options.work, release=str(folder))
    return recipe, _folder(recipe.work)


def _folder(work: Place) -> Path:
    if not isinstance(work, Path):
        raise UsageError(f"{work}: --everywhere erases from a folder, not from a bucket")
    return work


def _also(recipe: Recipe | None, work: Path, asks: list[dict[str, str]]) -> list[dict[str, str]]:
    """Entries by id: of what is asked for, whose addresses are erased, and of its copies. Says what cannot be done."""
    from pipeline.removal import copies, everywhere
    from pipeline.session import look
    from pipeline.store.folder import LocalStore

    found = everywhere.search(work, asks)
    why = "give --run and the recipe"
    told = None
    try:
        if recipe is not None:
            told = copies.look(look(recipe), LocalStore(work), found)
            why = "this recipe has not been run to its end here"
    except (UsageError, InputError) as error:  # inputs that are gone
        why = str(error)
    if told is None:
        print(f"seimai: copies of these documents, dropped by dedup, are not looked for: {why}", file=sys.stderr)
    also, kept = told or ({}, [])
    for each in kept:
        print(
            f"seimai: {each.gone} was dropped as {each.similarity:.3f} like {each.id} ({each.url or 'no URL'}), which is not "
            "asked for and stays",
            file=sys.stderr,
        )
    return [{"ticket": ticket, "id": id} for id, ticket in sorted({**found, **also}.items())]


def _refreshed(folder: Path, manifest: Manifest, others: list[Path]) -> list[str]:
    """Make the exports in a release, and those in `others`, again where they are of an earlier state of it."""
    from pipeline.export import Release, again, outdated

    places = [*again.within(folder, manifest), *(out for out in others if outdated(out, manifest))]
    if not places:
        return []
    if not manifest.shards.documents:
        print(
            "seimai: not one document is left, so no export was made again; delete " + ", ".join(map(str, places)),
            file=sys.stderr,
        )
        return []
    release = Release.open(folder)
    return [line for out in dict.fromkeys(places) for line in again.refresh(release, out)]
