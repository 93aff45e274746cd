"""Verbs on a finished release: report, export, remove."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from pipeline.errors import DONE, UsageError
from pipeline.places import Place
from pipeline.terminal import say


def report(options: argparse.Namespace) -> int:
    """What a release holds, and its hosts with the most kept tokens."""
    from pipeline.manifest import load, shelf
    from pipeline.recipe import load as load_recipe
    from pipeline.report import show
    from stages.parquet import open_checked

    place: Place = options.release
    if isinstance(place, Path) and place.suffix == ".toml":
        place = load_recipe(place).release
    manifest, _ = load(place)
    store = shelf(place)
    console = Console(highlight=False, markup=False)
    show(manifest, store.place, console)
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
    from pipeline.export import Release, croissant, hf, megatron

    release = Release.open(options.release)
    if options.to == "hf":
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
    from pipeline.export import RECORD, Release, hf
    from pipeline.remove import asked, remove

    if not isinstance(options.release, Path):
        raise UsageError(
            f"{options.release}: a release in a bucket cannot be edited in place; copy it to a folder, remove there, and "
            "copy it back, its manifest.json last"
        )
    asks = asked(options.ticket, options.urls, options.hosts, options.ids)
    manifest, documents = remove(options.release, asks)
    folder: Path = options.release if options.release.is_dir() else options.release.parent
    say(f"{folder}: {documents:,} documents removed by {asks[0]['ticket']}; id {manifest.id[:16]}")
    if documents and (folder / RECORD).exists() and (folder / "README.md").exists():
        say("\n".join(hf.export(Release.open(folder), folder)))
    print(
        "seimai: later runs into this folder leave them out; exports elsewhere and earlier copies still hold them "
        "(`seimai verify --export OUT` tells a stale export), and so does the work folder of the run",
        file=sys.stderr,
    )
    return DONE
