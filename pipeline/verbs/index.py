"""The verb `index`: what a recipe is compared with, in folders that later recipes name instead of the texts."""

from __future__ import annotations

import argparse
import contextlib
import re
from pathlib import Path

from pipeline.errors import DONE, UsageError
from pipeline.terminal import say


def index(options: argparse.Namespace) -> int:
    from pipeline.engine.against import indexed
    from pipeline.engine.plan import Plan
    from pipeline.engine.progress import Reporter
    from pipeline.engine.run import run_indexes
    from pipeline.engine.runners import WhenNeeded
    from pipeline.manifest import index_folder
    from pipeline.recipe.recipe import load
    from pipeline.store.opening import open_store

    recipe = load(options.recipe, work=options.work, release=options.release)
    if not recipe.against:
        raise UsageError(f'{recipe.path}: compared with nothing; name it: [dedup] against = ["RELEASE"]')
    for each in recipe.against:
        if not re.fullmatch(r"[^\W_][\w.-]{0,63}", each.name):
            raise UsageError(
                f"{recipe.path}: dedup.against {each.name!r}: no name for a folder; give it one: {{ name = … }}"
            )
    store = open_store(recipe.work)
    store.check("work")
    store.sweep()
    plan = Plan(recipe, (), against=indexed(recipe))
    with (
        Reporter(recipe.work) as reporter,
        contextlib.closing(WhenNeeded(options.runner, str(recipe.work), options.workers)) as executor,
    ):
        found = run_indexes(plan, store, executor, reporter)
    sources = {part.id: part.file.identity for part in plan.against if part.file is not None}
    for each in recipe.against:
        own = [part for part in found if part.source == each.name]
        if strange := [part for part in own if part.id not in sources]:
            say(f"{each.name}: {len(strange)} files are those of an index already; they stay where they are")
        made = [part for part in own if part.id in sources]
        if not made and strange:
            continue
        folder: Path = options.output / each.name
        index_folder.write(folder, each.name, recipe.index(each), sources, made, store)
        documents = sum(part.outputs["index"]["rows"] for part in made)
        size = sum(output["bytes"] for part in made for output in part.outputs.values())
        say(f"{folder}: {documents:,} documents, {size:,} bytes")
    return DONE
