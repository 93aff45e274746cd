"""What the command line understands: the verbs, their arguments, and the function that each calls."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.store.places import Place, place


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(
        prog="seimai", description="Common Crawl and Wikipedia in, a clean, deduplicated, counted Japanese corpus out."
    )
    verbs_of = whole.add_subparsers(required=True, metavar="VERB")

    run = verbs_of.add_parser("run", help="run a recipe to its release; repeat it to go on after anything")
    _recipe(run)
    _runner(run)
    run.add_argument(
        "--ignore-alarms", action="store_true", help="write the release whatever [alarms] says of duplicates"
    )
    run.set_defaults(verb=_lazy("run", "run"))

    plan = verbs_of.add_parser("plan", help="what would run, what is committed, and why a stage is stale")
    _recipe(plan)
    plan.set_defaults(verb=_lazy("run", "plan"))

    dry = verbs_of.add_parser("dry-run", help="the real stages on a sample, with excerpts of what they keep and drop")
    _recipe(dry)
    dry.add_argument("--stage", default="verdict", help="the last stage to run (default: verdict)")
    dry.add_argument("--sample", type=_positive, default=200, help="documents of each file (default: 200)")
    dry.add_argument("--excerpts", type=int, default=3, help="excerpts for each reason (default: 3)")
    dry.set_defaults(verb=_lazy("run", "dry_run"))

    trace = verbs_of.add_parser("trace", help="what became of a document and why")
    trace.add_argument("target", help="a URL, a document id (32 hex digits), a file with a text or HTML page, or -")
    trace.add_argument("--run", dest="recipe", help="the recipe that was run (default: the last one; of a file: none)")
    trace.add_argument("--all", action="store_true", help="every change that an edit made, not the first few")
    _places(trace)
    trace.set_defaults(verb=_lazy("explain", "trace"))

    filters = verbs_of.add_parser("filters", help="the catalogue of filters, or one of them")
    filters.add_argument("code", nargs="?", help="a code or the beginning of one, e.g. JA101 or JA1")
    filters.set_defaults(verb=_lazy("explain", "filters"))

    edits = verbs_of.add_parser(
        "edits", help="what changes a text: the edits within a page and the masks, or one of them"
    )
    edits.add_argument("name", nargs="?", help="e.g. footer or phone")
    edits.set_defaults(verb=_lazy("explain", "edits"))

    tune = verbs_of.add_parser("tune", help="what other bounds of a filter would keep, from the values of a run")
    tune.add_argument("code", help="the code of a filter, e.g. JA101")
    tune.add_argument("recipe", nargs="?", help="the recipe that was run (default: the last one)")
    tune.add_argument("--at-least", type=float, action="append", default=[], help="a lower bound to try (repeatable)")
    tune.add_argument("--at-most", type=float, action="append", default=[], help="an upper bound to try (repeatable)")
    tune.add_argument(
        "--excerpts", type=int, default=0, help="documents that the last bound treats otherwise (default: 0)"
    )
    _places(tune)
    tune.set_defaults(verb=_lazy("judge", "tune"))

    diff = verbs_of.add_parser("diff", help="documents whose fate two recipes disagree on, by reason")
    diff.add_argument("a", help="a recipe that was run")
    diff.add_argument("b", help="another, or the same with --profile or another --work-b")
    diff.add_argument("--profile", help="judge b by this profile instead of its own filters")
    diff.add_argument("--work-a", help="where the work of a lies, instead of the recipe's")
    diff.add_argument("--work-b", help="where the work of b lies, instead of the recipe's")
    diff.add_argument("--excerpts", type=int, default=5, help="documents to name (default: 5)")
    diff.add_argument("-o", "--output", type=Path, help="write all of them to this file, as JSON Lines")
    diff.set_defaults(verb=_lazy("judge", "diff"))

    profiles = verbs_of.add_parser("profiles", help="sets of bounds to start from, and what each would keep of a run")
    profiles.add_argument("name", nargs="?", help="a profile to describe")
    profiles.add_argument("--run", dest="recipe", help="compare all profiles over this recipe's run")
    _places(profiles)
    profiles.set_defaults(verb=_lazy("judge", "profiles"))

    train = verbs_of.add_parser("train-classifier", help="learn from good and bad documents what a good one is")
    train.add_argument("--good", type=Path, required=True, help="JSON lines or Parquet (a file or a folder)")
    train.add_argument("--bad", type=Path, required=True, help="the same")
    train.add_argument("-o", "--output", type=Path, required=True, help="where the model goes, e.g. quality.npz")
    train.add_argument("--text-column", default="text", help="(default: text)")
    train.add_argument("--limit", type=int, default=100_000, help="documents of each kind at most (default: 100000)")
    train.set_defaults(verb=_lazy("judge", "train_classifier"))

    templates = verbs_of.add_parser(
        "templates", help="templates of wiki dumps that the cleaner does not know, by frequency"
    )
    templates.add_argument("recipe", help="a recipe that was run, with a source of kind 'mediawiki'")
    templates.add_argument("--work", help="where committed work lies, instead of the recipe's")
    templates.add_argument("--limit", type=_positive, default=0, help="only the first so many")
    templates.set_defaults(verb=_lazy("explain", "templates"))

    index = verbs_of.add_parser(
        "index", help="indexes of what a recipe is compared with, for later recipes: the texts may then go"
    )
    _recipe(index)
    index.add_argument(
        "-o", "--output", type=Path, required=True, help="a folder; each index gets one in it, by its name"
    )
    _runner(index)
    index.set_defaults(verb=_lazy("index", "index"))

    verify = verbs_of.add_parser("verify", help="rehash and recount a release; exit 1 on any mismatch")
    verify.add_argument("release", type=_place, help="the release folder, or the recipe that made it")
    verify.add_argument(
        "--mode", choices=("sha256", "size"), default="sha256", help="size: only that all files are there, in seconds"
    )
    verify.add_argument("--export", type=Path, help="also an export of it: whether it is of this release")
    verify.add_argument("--workers", type=_positive, default=0, help="files at once (default: all CPUs)")
    verify.set_defaults(verb=_lazy("release", "verify"))

    _of_releases(verbs_of)
    _of_clusters(verbs_of)
    _of_work(verbs_of)

    select = verbs_of.add_parser("select", help="copy chosen records of a recipe's WARC sources to a WARC file")
    _recipe(select)
    select.add_argument("-o", "--output", type=Path, required=True, help="the file to write, e.g. sample.warc.gz")
    select.add_argument("--url", action="append", default=[], help="a record of this URL (may be repeated)")
    select.add_argument("--host", action="append", default=[], help="records of this host and those under it")
    select.add_argument("--id", action="append", default=[], help="a document id (32 hex digits)")
    select.add_argument("--one-in", type=_positive, default=1, help="of these, one in N, chosen by a hash of the URL")
    select.add_argument("--limit", type=_positive, default=0, help="at most so many records")
    select.set_defaults(verb=_lazy("explain", "select"))
    return whole


def _of_releases(verbs_of: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Verbs that take a finished release."""
    report = verbs_of.add_parser("report", help="the table of a release, and its hosts with the most kept tokens")
    report.add_argument("release", type=_place, help="the release folder, or the recipe that made it")
    report.add_argument("--hosts", type=_positive, default=20, help="so many hosts (default: 20)")
    report.set_defaults(verb=_lazy("release", "report"))

    export = verbs_of.add_parser("export", help="what a trainer takes, made from a release and held to its sums")
    export.add_argument("release", type=_place, help="the release folder, or the recipe that made it")
    export.add_argument("out", type=Path, help="the folder to write; for hf it may be the release itself")
    export.add_argument("--to", choices=("hf", "megatron", "croissant"))
    export.add_argument("--refresh", action="store_true", help="make again what is in OUT, as it was asked for")
    export.add_argument(
        "--base-url", default="", help="croissant: where the release is published, instead of the recipe's"
    )
    export.add_argument(
        "--tokenizer",
        default="",
        metavar="KEY=FILE",
        help="megatron: a tokenizer of the manifest and where it lies here",
    )
    export.add_argument("--eod", type=int, help="megatron: a token id to append to each document")
    export.add_argument(
        "--repeat",
        action="append",
        default=[],
        metavar="SOURCE=EPOCHS",
        help="megatron: epochs of a source (repeatable)",
    )
    export.add_argument("--prefix", default="", help="megatron: the folder as the trainer sees it, instead of OUT")
    export.add_argument("--workers", type=_positive, default=0, help="megatron: shards at once (default: all CPUs)")
    export.set_defaults(verb=_lazy("release", "export"))

    remove = verbs_of.add_parser("remove", help="take documents out of a release, and keep them out of later ones")
    remove.add_argument("release", type=_place, help="the release folder")
    remove.add_argument("--urls", type=Path, help="a file with a URL a line, as the column url has it")
    remove.add_argument("--hosts", type=Path, help="a file with a host a line; hosts under it go too")
    remove.add_argument("--ids", type=Path, help="a file with a document id a line")
    remove.add_argument("--ticket", required=True, help="who asks; it stands in the manifest")
    remove.add_argument(
        "--export", type=Path, action="append", default=[], help="also make this export of it again (repeatable)"
    )
    remove.add_argument(
        "--everywhere", action="store_true", help="also erase the text from the work folder: outputs, samples, reports"
    )
    remove.add_argument(
        "--run", dest="recipe", help="everywhere: the recipe that made the release (default: the one that did so here)"
    )
    remove.add_argument("--work", help="everywhere: the work folder, instead of the recipe's")
    remove.set_defaults(verb=_lazy("release", "remove"))


def _of_clusters(verbs_of: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    submit = verbs_of.add_parser(
        "submit", help="run a recipe on a remote Ray cluster; repeat it to go on after anything"
    )
    submit.add_argument(
        "recipe", nargs="?", help="a recipe (TOML); files that it names by relative paths travel with it"
    )
    _places(submit)
    submit.add_argument("--workers", type=_positive, default=0, help="tasks at once (default: all CPUs of the cluster)")
    submit.add_argument(
        "--address", help="the cluster's dashboard, e.g. http://HEAD:8265 (default: RAY_API_SERVER_ADDRESS)"
    )
    submit.add_argument("--scratch", metavar="SIZE", help="as of run: disk of a node that tasks may take, e.g. 200GB")
    submit.add_argument("--ignore-alarms", action="store_true", help="as of run: whatever [alarms] says of duplicates")
    submit.add_argument("--no-wait", action="store_true", help="print the job's id and leave it to itself")
    submit.add_argument("--follow", metavar="ID", help="show the log of a job and wait for its end")
    submit.add_argument("--stop", metavar="ID", help="stop a job; what it has committed counts")
    submit.set_defaults(verb=_lazy("cluster", "submit"))


def _of_work(verbs_of: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    gc = verbs_of.add_parser("gc", help="list what of a work folder nothing needs any more; --delete removes it")
    gc.add_argument(
        "targets", nargs="+", metavar="RECIPE|WORK", help="all recipes that use the work folder, or it alone"
    )
    gc.add_argument("--work", help="where committed work lies, instead of the recipes'")
    gc.add_argument("--delete", action="store_true", help="remove what is listed")
    gc.add_argument("--grace", default="7d", metavar="AGE", help="what is younger stays, e.g. 12h (default: 7d)")
    gc.add_argument("--runs", metavar="AGE", help="also the records of runs that are older, e.g. 30d")
    gc.set_defaults(verb=_lazy("cluster", "gc"))


def _lazy(module: str, name: str) -> Callable[[argparse.Namespace], int]:
    """These need NumPy and Arrow, which `--help` must not wait for."""

    def verb(options: argparse.Namespace) -> int:
        return int(getattr(importlib.import_module(f"pipeline.verbs.{module}"), name)(options))

    verb.__name__ = name
    return verb


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
    parser.add_argument(
        "--scratch",
        default="",
        metavar="SIZE",
        help="local disk that the tasks of a node may take together, e.g. 200GB (default: SEIMAI_SCRATCH of the node, else all)",
    )


def _place(text: str) -> Place:
    try:
        return place(text)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _positive(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)
