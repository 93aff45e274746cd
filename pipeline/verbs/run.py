"""Verbs that work on a recipe: run, plan, dry-run. Imports are inside: --help must not load Ray, nor anything else."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from pipeline.errors import DONE, UsageError
from pipeline.terminal import harmless, say
from pipeline.verbs.last_run import remember


def run(options: argparse.Namespace) -> int:
    from pipeline.explain.report import show
    from pipeline.recipe.recipe import load
    from pipeline.session import make_release
    from pipeline.tasks.scratch import budget, size_of

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
    from pipeline.on_ray import in_submitted_job
    from pipeline.recipe.bundle import temporary_copy

    if in_submitted_job() and relative:
        raise UsageError(temporary_copy(relative))


def plan(options: argparse.Namespace) -> int:
    from pipeline.engine.against import unbuilt
    from pipeline.engine.barriers import reached
    from pipeline.engine.plan import survey, why_stale
    from pipeline.engine.sources import costs
    from pipeline.recipe.recipe import load
    from pipeline.session import look
    from pipeline.store.opening import open_store

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
    waiting = 0
    for stage in plan.stages():
        total = 1 if stage.barrier else sum(stage.key in keys[part.source] for part in plan.parts)
        if stage.key == "index":
            total = len(plan.against)
        if stage.key in ("shards", "host-table", "host-cap", "new-hosts"):
            continue
        done = done_parts[stage.key]
        waiting += total - done
        table.add_row(stage.key, str(done), str(total - done), why_stale(store, stage) if done < total else "")
    Console(highlight=False, markup=False).print(table)
    for source in recipe.sources:
        if source.index is not None:
            say(f"index of source {source.name}:")
            say("\n".join(f"  {line}" for line in costs(recipe, source)))
    if not waiting:
        say(f"everything is committed; `seimai run {options.recipe}` sees to the shards and the manifest alone")
    if found.todo:
        say("a stage whose inputs come out the same again does not run, whatever stands under 'may run'")
    for part in (*found.todo, *indexes.todo):
        name = f"{part.source} {part.file.name if part.file else part.id}"
        Console(highlight=False, markup=False).print(
            harmless(f"to do: {'index ' if part in indexes.todo else ''}{name}"), markup=False
        )
    return DONE


def dry_run(options: argparse.Namespace) -> int:
    from pipeline.explain.dryrun import FILES, dry_run
    from pipeline.explain.report import meaning
    from pipeline.recipe.recipe import load
    from pipeline.session import prepare, used
    from pipeline.store.opening import open_store

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
