"""The verbs on bounds: `tune`, `diff`, `profiles`. They read what a run has measured and compute nothing anew."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from itertools import islice

import numpy as np
from rich.console import Console
from rich.table import Table

from filters import FILTERS
from filters.profiles import names, profile
from pipeline.errors import DONE, UsageError
from pipeline.explain.diff import changed, summary
from pipeline.explain.replay import measured
from pipeline.explain.report import meaning
from pipeline.explain.tune import Kept, proposals
from pipeline.explain.tune import tune as tuned
from pipeline.recipe import checks
from pipeline.recipe.filters import of_profile
from pipeline.recipe.recipe import Recipe, load
from pipeline.terminal import say
from pipeline.verbs.last_run import recall
from stages.measure.judge import Bound

BEFORE_DEDUP = "before dedup; a document that no morpheme filter has measured yet passes those"


def tune(options: argparse.Namespace) -> int:
    recipe = _recipe(options)
    known = [*FILTERS, *(own.code for own in recipe.measures)]
    code = options.code if options.code in known else options.code.upper()
    if code not in known:
        raise UsageError(f"no filter is called {options.code}{checks.nearest(code, known)}; see `seimai filters`")
    found = tuned(recipe, code, proposals(recipe, code, options.at_least, options.at_most), options.excerpts)
    say(f"{code} {meaning(code)}: {found.measured:,} of {found.whole.documents:,} documents measured; {BEFORE_DEDUP}")
    say("  ".join(f"{percent} %: {value:.4g}" for percent, value in found.percentiles))
    table = Table()
    for column in (
        "bound",
        "alone: documents",
        "characters",
        "tokens",
        "all filters: documents",
        "characters",
        "tokens",
    ):
        table.add_column(column, justify="left" if column == "bound" else "right")
    for row, mark in zip(found.rows, ("now: ", *[""] * len(found.rows)), strict=False):
        cells = [
            f"{n:,} ({n / max(1, of):.1%})"
            for kept in (row.alone, row.together)
            for n, of in (
                (kept.documents, found.whole.documents),
                (kept.characters, found.whole.characters),
                (kept.tokens, found.whole.tokens),
            )
        ]
        table.add_row(mark + limits(row.bound), *cells)
    Console(highlight=False, markup=False, width=160).print(table)
    for url, value, text in found.changed:
        say(f"{value:.4g}  {url}\n    {' / '.join(text.splitlines())[:160]}")
    return DONE


def diff(options: argparse.Namespace) -> int:
    a = load(options.a, work=options.work_a)
    b = load(options.b, work=options.work_b or (options.work_a if options.a == options.b else None))
    if options.profile:
        b = _with_profile(b, options.profile)
    rows = list(changed(a, b))
    table = Table()
    for column in ("before", "after", "documents", "characters", "tokens"):
        table.add_column(column, justify="left" if column in ("before", "after") else "right")
    for before, after, *counts in summary(rows):
        table.add_row(*(f"{r or 'kept'} {meaning(r)}" for r in (before, after)), *(f"{n:,}" for n in counts))
    say(f"documents with another fate: {len(rows):,} ({BEFORE_DEDUP})")
    if rows:
        Console(highlight=False, markup=False).print(table)
    for row in sorted(rows, key=lambda row: row.id)[: options.excerpts]:
        say(f"{row.before or 'kept'} -> {row.after or 'kept'}  {row.url}")
    if options.output:
        options.output.write_text(
            "".join(json.dumps(row._asdict(), ensure_ascii=False) + "\n" for row in rows), encoding="utf-8"
        )
    return DONE


def profiles(options: argparse.Namespace) -> int:
    console = Console(highlight=False, markup=False)
    if options.name is not None:
        if options.name not in names():
            raise UsageError(f"there is no profile {options.name!r}{checks.nearest(options.name, names())}")
        return _describe(options.name)
    if options.recipe is None:
        for name in names():
            console.print(f"{name}: {profile(name).about} {profile(name).about_ja}", soft_wrap=True)
        return DONE
    recipe = _recipe(options)
    table = Table()
    for column in ("profile", "documents", "characters", "tokens", "as this recipe"):
        table.add_column(column, justify="left" if column == "profile" else "right")
    for name, kept, same, whole in _compared(recipe):
        counts = ((kept.documents, whole.documents), (kept.characters, whole.characters), (kept.tokens, whole.tokens))
        table.add_row(
            name, *(f"{n:,} ({n / max(1, of):.1%})" for n, of in counts), f"{same / max(1, whole.documents):.1%}"
        )
    say(f"what each profile would keep of {recipe.path.name} ({BEFORE_DEDUP})")
    console.print(table)
    for name in names():
        for line in profile(name).cannot:
            console.print(f"{name} cannot: {line}", soft_wrap=True)
    return DONE


def train_classifier(options: argparse.Namespace) -> int:
    from pipeline.train import documents, train  # here: SciPy takes a second to import

    if options.output.suffix != ".npz" or not options.output.parent.is_dir():
        raise UsageError(f"{options.output}: give a path that ends with .npz, in a folder that exists")
    good, bad = (
        list(islice(documents(path, options.text_column), options.limit)) for path in (options.good, options.bad)
    )
    model, held = train(good, bad)
    model.save(options.output)
    say(
        f"{options.output}: from {held.good:,} good and {held.bad:,} bad documents ({held.groups:,} groups of near-duplicates)\n"
        f"on documents it had not seen: AUC {held.auc:.3f}, balanced accuracy {held.balanced_accuracy:.3f} at 0.5, "
        f"calibration error {held.calibration_error:.3f}"
    )
    return DONE


def _compared(recipe: Recipe) -> list[tuple[str, Kept, int, Kept]]:
    """(name, kept, documents judged as by the recipe, all) of every profile, in one pass over the values."""
    chosen = {name: of_profile(name).bounds for name in names()}
    codes = sorted({bound.code for bounds in (*chosen.values(), recipe.bounds) for bound in bounds})
    kept = {name: Kept() for name in chosen}
    same = dict.fromkeys(chosen, 0)
    whole = Kept()
    for part in measured(recipe, codes):
        whole.add(part, np.ones(part.documents.num_rows, np.bool_))
        own = part.kept(recipe.bounds)
        for name, bounds in chosen.items():
            rows = part.kept(bounds)
            kept[name].add(part, rows)
            same[name] += int((rows == own).sum())
    return [(name, kept[name], same[name], whole) for name in chosen]


def _describe(name: str) -> int:
    named, own = profile(name), of_profile(name)
    say(f"{name}: {named.about}\n{named.about_ja}")
    for bound in own.bounds:
        because = f"; {own.because[bound.code]}" if bound.code in own.because else ""
        say(f"  {bound.code} {meaning(bound.code)}: {limits(bound)}{because}")
    for line in named.cannot:
        say(f"  cannot: {line}")
    return DONE


def _recipe(options: argparse.Namespace) -> Recipe:
    if options.recipe is None:
        recall(options)
    return load(options.recipe, work=options.work)


def _with_profile(recipe: Recipe, name: str) -> Recipe:
    if name not in names():
        raise UsageError(f"there is no profile {name!r}{checks.nearest(name, names())}")
    own = of_profile(name)
    brought = tuple(bound for bound in recipe.bounds if bound.code not in FILTERS)
    because = {**own.because, **{bound.code: recipe.because[bound.code] for bound in brought}}
    return replace(recipe, profile=name, bounds=own.bounds + brought, because=because)


def limits(bound: Bound) -> str:
    """Bounds as a reader writes them: '≥ 0.15', '≤ 0.5', '8 to 200', 'any'."""
    if bound.at_least is None and bound.at_most is None:
        return "any"
    if bound.at_least is None:
        return f"≤ {bound.at_most:g}"
    if bound.at_most is None:
        return f"≥ {bound.at_least:g}"
    return f"{bound.at_least:g} to {bound.at_most:g}"
