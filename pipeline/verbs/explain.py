"""Verbs that look: trace, filters, edits, templates, select. Imports are inside: `seimai filters` must not load Ray."""

from __future__ import annotations

import argparse
import os
import sys

from rich.console import Console
from rich.table import Table

from pipeline.errors import DONE, ShortError, UsageError
from pipeline.terminal import harmless, say
from pipeline.verbs.last_run import recall


def trace(options: argparse.Namespace) -> int:
    from pipeline.explain.trace import explain, find
    from pipeline.explain.trace_edits import SHOWN
    from pipeline.recipe.recipe import load
    from pipeline.session import look
    from pipeline.store.opening import open_store

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
    from pipeline.explain.trace_text import explain, read
    from pipeline.recipe.recipe import load

    recipe = load(options.recipe, work=options.work, release=options.release) if options.recipe else None
    say("\n".join(explain(options.target, read(options.target), recipe, shown)))
    return DONE


def filters(options: argparse.Namespace) -> int:
    from filters import FILTERS
    from pipeline.explain.report import bounds, describe

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
    from pipeline.engine.plan import survey
    from pipeline.explain.templates import unknown
    from pipeline.recipe.recipe import load
    from pipeline.session import look
    from pipeline.store.opening import open_store

    recipe = load(options.recipe, work=options.work)
    plan, store = look(recipe), open_store(recipe.work)
    found = unknown(survey(store, plan.chains, plan.parts), store)
    if found is None:
        raise UsageError(f"{options.recipe}: no dump is committed yet; run it first: seimai run {options.recipe}")
    say("uses\tpages\ttemplate\texample")
    for row in found[: options.limit] if options.limit else found:
        say(f"{row['uses']}\t{row['pages']}\t{row['template']}\t{row['example']}")
    return DONE


def select(options: argparse.Namespace) -> int:
    from pipeline.explain.select import Wish, select
    from pipeline.recipe.recipe import load

    recipe = load(options.recipe, work=options.work, release=options.release)
    wish = Wish(
        frozenset(options.url), tuple(options.host), frozenset(options.id), options.one_in, options.limit or None
    )
    records = select(recipe, wish, options.output)
    if not records:
        raise ShortError("no record is like that; give a URL as the crawl has it, or look with fewer conditions")
    print(harmless(f"{options.output}: {records:,} records"), file=sys.stderr)
    return DONE
