"""The command line: verbs, nothing else. Data goes to stdout, messages to stderr."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pipeline.errors import DONE, SHORT, USAGE, InputError, ShortError, UsageError


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _interrupt)  # a stopped job leaves as tidily as Ctrl-C
    try:
        return int(options.verb(options))
    except UsageError as error:
        return _complain(error, USAGE)
    except (InputError, ShortError) as error:
        return _complain(error, SHORT)
    except BrokenPipeError:  # `seimai filters | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as error:
        return _complain(f"{error.filename or 'a file'}: {error.strerror or error}", SHORT)
    except KeyboardInterrupt:
        return _complain("interrupted; what was committed counts, the same command goes on from there", 130)
    except Exception as error:
        # A filter that is not fully declared stops the import of its package, so its class cannot be imported here.
        if type(error).__name__ == "FilterError":
            return _complain(error, USAGE)
        raise


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _complain(error: object, code: int) -> int:
    print(f"seimai: {error}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="seimai", description="Common Crawl and Wikipedia in, a clean, deduplicated, counted Japanese corpus out."
    )
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    run = verbs.add_parser("run", help="run a recipe to its release; repeat it to go on after anything")
    _recipe(run)
    _runner(run)
    run.set_defaults(verb=_run)

    plan = verbs.add_parser("plan", help="what would run, what is committed, and why a stage is stale")
    _recipe(plan)
    plan.set_defaults(verb=_plan)

    dry = verbs.add_parser("dry-run", help="the real stages on a sample, with excerpts of what they keep and drop")
    _recipe(dry)
    dry.add_argument("--stage", default="verdict", help="the last stage to run (default: verdict)")
    dry.add_argument("--sample", type=_positive, default=200, help="documents of each file (default: 200)")
    dry.add_argument("--excerpts", type=int, default=3, help="excerpts for each reason (default: 3)")
    dry.set_defaults(verb=_dry_run)

    trace = verbs.add_parser("trace", help="what became of a document and why")
    trace.add_argument("target", help="a URL, or a document id (32 hex digits)")
    trace.add_argument("--run", dest="recipe", help="the recipe that was run (default: the last one)")
    _places(trace)
    trace.set_defaults(verb=_trace)

    filters = verbs.add_parser("filters", help="the catalogue of filters, or one of them")
    filters.add_argument("code", nargs="?", help="a code or the beginning of one, e.g. JA101 or JA1")
    filters.set_defaults(verb=_filters)

    verify = verbs.add_parser("verify", help="rehash and recount a release; exit 1 on any mismatch")
    verify.add_argument("release", type=Path, help="the release folder")
    verify.set_defaults(verb=_verify)
    return parser


def _recipe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", help="a recipe (TOML), e.g. manifests/quickstart.toml")
    _places(parser)


def _places(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--work", help="where committed work lies, instead of the recipe's")
    parser.add_argument("--release", help="where the release goes, instead of the recipe's")


def _runner(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--runner",
        choices=("ray", "local"),
        default="ray",
        help="ray: the cluster of RAY_ADDRESS, else a local Ray; local: worker processes without Ray",
    )
    parser.add_argument("--workers", type=_positive, default=0, help="tasks at once (default: all CPUs)")


def _positive(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _run(options: argparse.Namespace) -> int:
    from pipeline.recipe import load
    from pipeline.report import show
    from pipeline.session import make_release

    recipe = load(options.recipe, work=options.work, release=options.release)
    if options.runner == "ray":
        _refuse_temporary_copy(recipe.relative)
    manifest, changed = make_release(recipe, options.runner, options.workers)
    _remember(options)
    if not changed:
        print("seimai: everything was committed already; the release is as it was", file=sys.stderr)
    show(manifest, recipe.release, Console(highlight=False, markup=False))
    return DONE


def _refuse_temporary_copy(relative: Sequence[str]) -> None:
    from pipeline.on_ray import in_submitted_job

    if in_submitted_job() and relative:
        raise UsageError(
            f"{' and '.join(relative)}: a relative path in a submitted job would lie in the job's working directory, a "
            "temporary copy that is deleted; give absolute paths that every node sees (--work /mnt/... --release /mnt/...)"
        )


def _plan(options: argparse.Namespace) -> int:
    from pipeline.plan import committed_dedup, survey, why_stale
    from pipeline.recipe import load
    from pipeline.session import look
    from pipeline.store import LocalStore

    recipe = load(options.recipe, work=options.work, release=options.release)
    plan, store = look(recipe), LocalStore(recipe.work)
    found = survey(store, plan.chains, plan.parts)
    done_parts = Counter(key for markers in found.markers.values() for key in markers)
    if not found.todo and (marker := committed_dedup(plan, store, found.parts)) is not None:
        parts = tuple(part.add("dedup", marker.outputs[part.id]) for part in found.parts)
        done_parts["dedup"] = done_parts["bands"] = 1
        done_parts["write"] = len(parts) - len(survey(store, plan.writers, parts).todo)
    print(f"{recipe.name}: partitions: {len(plan.parts)}, sources: {len(recipe.sources)}")
    table = Table()
    for name in ("stage", "committed", "may run", "why"):
        table.add_column(name, overflow="fold")
    for stage in plan.stages():
        total = 1 if stage.barrier else len(plan.parts)
        if stage.key == "shards":
            continue
        done = done_parts[stage.key]
        table.add_row(stage.key, str(done), str(total - done), why_stale(store, stage) if done < total else "")
    Console(highlight=False, markup=False).print(table)
    if found.todo:
        print("a stage whose inputs come out the same again does not run, whatever stands under 'may run'")
    for part in found.todo:
        Console(highlight=False, markup=False).print(
            f"to do: {part.source} {part.file.name if part.file else part.id}", markup=False
        )
    return DONE


def _dry_run(options: argparse.Namespace) -> int:
    from pipeline.dryrun import FILES, dry_run
    from pipeline.recipe import load
    from pipeline.report import meaning
    from pipeline.session import prepare
    from pipeline.store import LocalStore

    recipe = load(options.recipe, work=options.work, release=options.release)
    plan = prepare(recipe, sample=options.sample)
    documents, passed = dry_run(plan, LocalStore(recipe.work), str(recipe.work), options.stage)
    counts = Counter(document.reason for document in documents)
    console = Console(highlight=False, markup=False)
    print(f"{recipe.name} up to {options.stage}: {len(documents)} documents sampled, {counts['']} kept")
    table = Table()
    for name in ("reason", "documents", "meaning"):
        table.add_column(name)
    for reason, n in [*passed.items(), *sorted(counts.items(), key=lambda item: (-item[1], item[0]))]:
        table.add_row(reason or "kept", str(n), meaning(reason))
    console.print(table)
    print(f"from the heads of up to {FILES} files of each source; duplicates are not looked for")
    for reason in sorted(counts):
        print(f"\n{f'{reason} {meaning(reason)}' if reason else 'kept'}")
        for document in [d for d in documents if d.reason == reason][: options.excerpts]:
            print(f"  {document.url}\n    {' / '.join(document.text[:200].splitlines())[:160]}")
    return DONE


def _trace(options: argparse.Namespace) -> int:
    from pipeline.recipe import load
    from pipeline.session import look
    from pipeline.store import LocalStore
    from pipeline.trace import explain, find

    if not options.target.strip():
        raise UsageError("trace needs the URL of a page as the crawl has it, or a document id (32 hex digits)")
    if options.recipe is None:
        _recall(options)
    recipe = load(options.recipe, work=options.work, release=options.release)
    plan = look(recipe)
    print(f"run: {options.recipe}", file=sys.stderr)
    documents, others, nameless = find(plan, LocalStore(recipe.work), options.target.strip())
    for document in documents:
        print("\n".join(explain(document, plan)))
    for line in others:
        print(f"{options.target}\n  {line}")
    if not documents and not others:
        raise ShortError(f"{options.target}: not in this run; give the URL as the crawl has it, or an id{nameless}")
    return DONE


def _filters(options: argparse.Namespace) -> int:
    from filters import FILTERS
    from pipeline.report import bounds, describe

    chosen = [f for code, f in FILTERS.items() if code.startswith((options.code or "JA").upper())]
    if not chosen:
        raise UsageError(f"no filter is called {options.code}; known are {', '.join(FILTERS)}")
    if len(chosen) == 1:
        print(describe(chosen[0]))
        return DONE
    table = Table()
    for name in ("code", "name", "keeps", "source"):
        table.add_column(name, overflow="fold")
    for f in chosen:
        table.add_row(f.code, f.name, bounds(f), f.source)
    Console(highlight=False, markup=False).print(table)
    return DONE


def _verify(options: argparse.Namespace) -> int:
    from pipeline.verify import verify

    manifest, problems = verify(options.release)
    for problem in problems:
        print(problem)
    if problems:
        raise ShortError(f"{options.release}: {len(problems)} problem(s) found")
    size = manifest.shards
    print(
        f"{options.release}: whole: {size.documents:,} documents, {size.characters:,} characters, {size.tokens:,} tokens; "
        f"{manifest.funnel.records:,} records accounted for; id {manifest.id[:16]}"
    )
    return DONE


def _state_file() -> Path:
    home = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return Path(home) / "seimai" / "last-run"


def _remember(options: argparse.Namespace) -> None:
    """Note the recipe for `seimai trace`; a home that cannot be written only costs that convenience."""
    file = _state_file()
    places = [options.work or "", options.release or ""]
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join([os.path.abspath(options.recipe), *(p and os.path.abspath(p) for p in places)]))
    except OSError as error:
        print(f"seimai: {file}: {error.strerror}; give --run to `seimai trace`", file=sys.stderr)


def _recall(options: argparse.Namespace) -> None:
    try:
        recipe, work, release = _state_file().read_text().split("\n")
    except (OSError, ValueError):
        raise UsageError("no run is remembered here; name the recipe: seimai trace TARGET --run RECIPE") from None
    options.recipe, options.work, options.release = (
        recipe,
        options.work or work or None,
        options.release or release or None,
    )


if __name__ == "__main__":
    sys.exit(main())
