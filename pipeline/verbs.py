"""What each verb of the command line does. Imports are inside: `seimai filters` must not load Ray, nor --help anything."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pipeline.errors import DONE, ShortError, UsageError
from pipeline.last_run import recall, remember
from pipeline.places import Place
from pipeline.terminal import harmless, say


def run(options: argparse.Namespace) -> int:
    from pipeline.recipe import load
    from pipeline.report import show
    from pipeline.scratch import budget, size_of
    from pipeline.session import make_release

    recipe = load(options.recipe, work=options.work, release=options.release)
    budget()  # a size that cannot be read is wrong use, not a failed task
    if options.runner == "ray":
        _refuse_temporary_copy(recipe.relative)
    scratch = size_of(options.scratch, "--scratch") if options.scratch else 0
    manifest, changed = make_release(
        recipe, options.runner, options.workers, scratch, ignore_alarms=options.ignore_alarms
    )
    remember(options, recipe.release)
    if not changed:
        print("seimai: everything was committed already; the release is as it was", file=sys.stderr)
    show(manifest, recipe.release, Console(highlight=False, markup=False))
    return DONE


def _refuse_temporary_copy(relative: Sequence[str]) -> None:
    from pipeline.bundle import temporary_copy
    from pipeline.on_ray import in_submitted_job

    if in_submitted_job() and relative:
        raise UsageError(temporary_copy(relative))


def plan(options: argparse.Namespace) -> int:
    from pipeline.against import unbuilt
    from pipeline.barriers import reached
    from pipeline.plan import survey, why_stale
    from pipeline.recipe import load
    from pipeline.session import look
    from pipeline.sources import costs
    from pipeline.store import open_store

    recipe = load(options.recipe, work=options.work, release=options.release)
    plan, store = look(recipe), open_store(recipe.work)
    found = survey(store, plan.chains, plan.parts)
    done_parts = Counter(key for markers in found.markers.values() for key in markers)
    indexes = unbuilt(plan, store)
    done_parts["index"] = len(plan.against) - len(indexes.todo)
    if not found.todo and (parts := reached(plan, store, found.parts)) is not None:
        done_parts["dedup"] = done_parts["bands"] = done_parts["known"] = 1
        if any("line-masks" in part.outputs for part in parts):
            done_parts.update({"line-counts": 1, "template-lines": 1, "line-masks": 1})
        chosen = survey(store, plan.writers, parts)
        done_parts.update(
            key for part in chosen.parts for key in ("deny", "cluster-cap", "host-cap") if key in part.outputs
        )
        done_parts.update(key for markers in chosen.markers.values() for key in markers)
    say(f"{recipe.name}: partitions: {len(plan.parts)}, sources: {len(recipe.sources)}")
    table = Table()
    for name in ("stage", "committed", "may run", "why"):
        table.add_column(name, overflow="fold")
    keys = {
        name: {s.key for s in (*chain, *plan.denials[name], *plan.writers[name])} for name, chain in plan.chains.items()
    }
    for stage in plan.stages():
        total = 1 if stage.barrier else sum(stage.key in keys[part.source] for part in plan.parts)
        if stage.key == "index":
            total = len(plan.against)
        if stage.key in ("shards", "host-table", "host-cap", "new-hosts"):
            continue
        done = done_parts[stage.key]
        table.add_row(stage.key, str(done), str(total - done), why_stale(store, stage) if done < total else "")
    Console(highlight=False, markup=False).print(table)
    for source in recipe.sources:
        if source.index is not None:
            say(f"index of source {source.name}:")
            say("\n".join(f"  {line}" for line in costs(recipe, source)))
    if found.todo:
        say("a stage whose inputs come out the same again does not run, whatever stands under 'may run'")
    for part in (*found.todo, *indexes.todo):
        name = f"{part.source} {part.file.name if part.file else part.id}"
        Console(highlight=False, markup=False).print(
            harmless(f"to do: {'index ' if part in indexes.todo else ''}{name}"), markup=False
        )
    return DONE


def dry_run(options: argparse.Namespace) -> int:
    from pipeline.dryrun import FILES, dry_run
    from pipeline.recipe import load
    from pipeline.report import meaning
    from pipeline.session import prepare, used
    from pipeline.store import open_store

    recipe = load(options.recipe, work=options.work, release=options.release)
    with used(recipe) as recipe:
        plan = prepare(recipe, sample=options.sample)
        documents, passed = dry_run(plan, open_store(recipe.work), str(recipe.work), options.stage)
    counts = Counter(document.reason for document in documents)
    console = Console(highlight=False, markup=False)
    say(f"{recipe.name} up to {options.stage}: {len(documents)} documents sampled, {counts['']} kept")
    table = Table()
    for name in ("reason", "documents", "meaning"):
        table.add_column(name)
    for reason, n in [*passed.items(), *sorted(counts.items(), key=lambda item: (-item[1], item[0]))]:
        table.add_row(reason or "kept", str(n), meaning(reason))
    console.print(table)
    say(f"from the heads of up to {FILES} files of each source; duplicates are not looked for")
    for reason in sorted(counts):
        say(f"\n{f'{reason} {meaning(reason)}' if reason else 'kept'}")
        for document in [d for d in documents if d.reason == reason][: options.excerpts]:
            say(f"  {document.url}\n    {' / '.join(document.text[:200].splitlines())[:160]}")
    return DONE


def trace(options: argparse.Namespace) -> int:
    from pipeline.recipe import load
    from pipeline.session import look
    from pipeline.store import open_store
    from pipeline.trace import explain, find
    from pipeline.trace_edits import SHOWN

    shown = None if options.all else SHOWN
    if not options.target.strip():
        raise UsageError("trace needs the URL of a page as the crawl has it, or a document id (32 hex digits)")
    if options.target == "-" or os.path.exists(options.target):
        return _trace_text(options, shown)
    if options.recipe is None:
        recall(options)
    recipe = load(options.recipe, work=options.work, release=options.release)
    plan = look(recipe)
    print(harmless(f"run: {options.recipe}"), file=sys.stderr)
    documents, others, nameless = find(plan, open_store(recipe.work), options.target.strip())
    for document in documents:
        say("\n".join(explain(document, plan, shown)))
    for line in others:
        say(f"{options.target}\n  {line}")
    if not documents and not others:
        raise ShortError(f"{options.target}: not in this run; give the URL as the crawl has it, or an id{nameless}")
    return DONE


def _trace_text(options: argparse.Namespace, shown: int | None) -> int:
    """A text that is in no run, through the bounds of a recipe or of the default profile."""
    from pipeline.recipe import load
    from pipeline.trace_text import explain, read

    recipe = load(options.recipe, work=options.work, release=options.release) if options.recipe else None
    say("\n".join(explain(options.target, read(options.target), recipe, shown)))
    return DONE


def filters(options: argparse.Namespace) -> int:
    from filters import FILTERS
    from pipeline.report import bounds, describe

    chosen = [f for code, f in FILTERS.items() if code.startswith((options.code or "JA").upper())]
    if not chosen:
        raise UsageError(f"no filter is called {options.code}; known are {', '.join(FILTERS)}")
    if len(chosen) == 1:
        say(describe(chosen[0]))
        return DONE
    table = Table()
    for name in ("code", "name", "keeps", "source"):
        table.add_column(name, overflow="fold")
    for f in chosen:
        table.add_row(f.code, f.name, bounds(f), f.source)
    Console(highlight=False, markup=False).print(table)
    return DONE


def edits(options: argparse.Namespace) -> int:
    from stages.catalogue import declared, describe

    chosen = [rule for rule in declared() if options.name in (None, rule.name)]
    if not chosen:
        raise UsageError(f"no edit is called {options.name}; known are {', '.join(rule.name for rule in declared())}")
    if options.name:
        say(describe(chosen[0]))
        return DONE
    table = Table()
    for name in ("name", "when", "what it does"):
        table.add_column(name, overflow="fold")
    for rule in chosen:
        table.add_row(rule.name, rule.when, rule.doc.split("\n")[0])
    Console(highlight=False, markup=False).print(table)
    return DONE


def templates(options: argparse.Namespace) -> int:
    from pipeline.plan import survey
    from pipeline.recipe import load
    from pipeline.session import look
    from pipeline.store import open_store
    from pipeline.templates import unknown

    recipe = load(options.recipe, work=options.work)
    plan, store = look(recipe), open_store(recipe.work)
    found = unknown(survey(store, plan.chains, plan.parts), store)
    if found is None:
        raise UsageError(f"{options.recipe}: no dump is committed yet; run it first: seimai run {options.recipe}")
    say("uses\tpages\ttemplate\texample")
    for row in found[: options.limit] if options.limit else found:
        say(f"{row['uses']}\t{row['pages']}\t{row['template']}\t{row['example']}")
    return DONE


def verify(options: argparse.Namespace) -> int:
    from pipeline.export import stale
    from pipeline.verify import verify

    manifest, problems = verify(options.release, options.mode, options.workers, _command(options.release))
    if options.export is not None and (told := stale(options.export, manifest)):
        problems.append(told)
    for problem in problems:
        say(problem)
    if problems:
        raise ShortError(f"{options.release}: {len(problems)} problem(s) found")
    size = manifest.shards
    how = "whole" if options.mode == "sha256" else "all files there, of the right size"
    say(
        f"{options.release}: {how}: {size.documents:,} documents, {size.characters:,} characters, "
        f"{', '.join(f'{n:,} {key} tokens' for key, n in size.tokens.items())}; {manifest.funnel.records:,} records accounted for; id {manifest.id[:16]}"
    )
    return DONE


def _command(release: Place) -> str:
    """The command that makes a release again, where it was made here; else as much of it as a release tells."""
    from pipeline.manifest import shelf
    from pipeline.recipe import load

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


def select(options: argparse.Namespace) -> int:
    from pipeline.recipe import load
    from pipeline.select import Wish, select

    recipe = load(options.recipe, work=options.work, release=options.release)
    wish = Wish(
        frozenset(options.url), tuple(options.host), frozenset(options.id), options.one_in, options.limit or None
    )
    records = select(recipe, wish, options.output)
    if not records:
        raise ShortError("no record is like that; give a URL as the crawl has it, or look with fewer conditions")
    print(harmless(f"{options.output}: {records:,} records"), file=sys.stderr)
    return DONE
