"""What Japanese text costs and what is missed, on the development data; beside the naive way, the floor and the peers.

    python -m tests.bench.acquire [--mix FILE] [--repeats N]     CPU time on a WARC with 5 % Japanese pages
    python -m tests.bench.acquire --recall                       recall by encoding and by kind of page, all development pages
    python -m tests.bench.acquire --identity                     the fast trafilatura against the stock one, every page

    naive   FastWARC, and trafilatura's full mode (no comments) on every HTML page
    floor   FastWARC reads everything; trafilatura's fast mode on the truly Japanese pages only, encodings known
    this    the extract stage as a run has it: gate, decoding, and extraction in the guarded child, both processes

Times are the least of interleaved repeats. Starting the child, paid once in a worker's life, is given apart. The mix is
made by `make_mix.py` of the development data's tools when no file is named; its labels lie beside it.
"""

from __future__ import annotations

import argparse
import csv
import logging
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import psutil
from fastwarc.warc import ArchiveIterator, WarcRecordType
from trafilatura import extract

from stages.guard import guard
from stages.readers.warc import ExtractWarc
from tests import sinks, warcs
from tests.runs import ROOT

SHARED = ROOT.parent / "shared"
WARC = SHARED / "data" / "web-ja.warc.gz"
JAPANESE = 0.5  # bound of JA001

# Japanese pages that the peers bring out: reference/baselines.md, sections 2-3 ("dev"): recall of HTML pages after the
# language decision, and by charset where it is given (datatrove before its language decision).
PEERS = {
    "datatrove": {"html": ".895", "iso-2022-jp": "0/23", "shift_jis": "264/291", "euc-jp": "63/82"},
    "swallow": {"html": ".806", "iso-2022-jp": "0/23", "shift_jis": "135/291", "euc-jp": "59/82"},
}


class Page(NamedTuple):
    url: str
    body: bytes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mix", type=Path, help="a WARC of make_mix.py")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--recall", action="store_true")
    parser.add_argument("--identity", action="store_true")
    options = parser.parse_args()
    if not WARC.exists():
        print(f"skipped: {WARC} is not here")
        sys.exit()
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    if options.recall:
        recall()
    elif options.identity:
        identity()
    else:
        with tempfile.TemporaryDirectory() as folder:
            speed(options.mix or made_mix(Path(folder)), options.repeats)


def made_mix(folder: Path) -> Path:
    mix = folder / "mix5.warc.gz"
    subprocess.run([sys.executable, SHARED / "tools" / "make_mix.py", "--share", "0.05", "--out", mix], check=True)
    return mix


def labels() -> dict[str, dict[str, str]]:
    with (SHARED / "data" / "LABELS.tsv").open(encoding="utf-8", newline="") as file:
        return {row["url"]: row for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)}


def speed(mix: Path, repeats: int) -> None:
    truth = {row["url"]: row for row in labels().values() if row["is_ja"] == "1"}
    pages = sum(1 for _ in html_pages(mix))
    sinks.run(ExtractWarc(sample=1), warcs.inputs(mix))  # starts the child
    started = child_seconds()
    characters = 0

    def this() -> None:
        nonlocal characters
        rows = sinks.run(ExtractWarc(), warcs.inputs(mix)).rows()
        characters = sum(len(str(row["text"])) for row in rows)

    ways: dict[str, Callable[[], None]] = {
        "naive": lambda: naive(mix),
        "floor": lambda: floor(mix, truth),
        "this": this,
    }
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(repeats):
        for name, way in ways.items():
            before = time.process_time() + child_seconds()
            way()
            best[name] = min(best[name], time.process_time() + child_seconds() - before)
    net = guard("stages.html:serve", deadline=ExtractWarc.deadline, memory=ExtractWarc.memory)
    net.close()

    japanese = sum(page.url in truth for page in html_pages(mix))
    print(f"{mix.name}: {pages} HTML pages, {japanese} of them Japanese; CPU seconds, best of {repeats}")
    for name, seconds in best.items():
        print(f"  {name:6} {seconds:7.2f} s {pages / seconds:7.0f} pages/s  {best['naive'] / seconds:5.1f} x naive")
    print(f"  to start the child: {started:.2f} s")
    print(
        f"  goal: 12 x naive, no slower than the floor; this is {best['floor'] / best['this']:.2f} x the floor's speed"
    )
    print(f"  {best['this'] / characters * 1e9 / 3600:.1f} core-hours for 10^9 characters of Japanese text")


def html_pages(path: Path) -> Iterator[Page]:
    with path.open("rb") as file:
        for record in ArchiveIterator(file, record_types=WarcRecordType.response, parse_http=True):
            if record.http_headers.status_code == 200 and record.http_content_type == "text/html":
                yield Page(record.headers["WARC-Target-URI"], record.reader.read())


def naive(mix: Path) -> None:
    for page in html_pages(mix):
        extract(page.body, include_comments=False)


def floor(mix: Path, japanese: dict[str, dict[str, str]]) -> None:
    codecs = {"shift_jis": "cp932", "ascii": "utf-8"}
    for page in html_pages(mix):
        if page.url in japanese:
            encoding = japanese[page.url]["encoding"]
            extract(page.body.decode(codecs.get(encoding, encoding), "replace"), include_comments=False, fast=True)


def child_seconds() -> float:
    """CPU time of the guarded children so far, in ticks of 10 ms."""
    times = [child.cpu_times() for child in psutil.Process().children(recursive=True)]
    return sum(each.user + each.system for each in times)


def recall() -> None:
    """Of the labelled Japanese HTML pages: how many come out of `extract`, and of `language` after it."""
    from stages.language.language import BUILT_IN, score  # loads the model that only this needs
    from stages.language.lid import identify, model_path

    extracted: dict[str, bool] = {}  # URL -> called Japanese
    for row in sinks.run(ExtractWarc(), warcs.inputs(WARC)).rows():
        if not row["reason"]:
            text, title, declared = (str(row[name]) for name in ("text", "title", "declared_language"))
            japanese = score(text, identify(text, model_path(BUILT_IN)).japanese, title, declared).japanese >= JAPANESE
            extracted[str(row["url"])] = japanese
    wanted = [row for row in labels().values() if row["is_ja"] == "1" and row["mime"] == "text/html"]
    print(f"{len(wanted)} Japanese HTML pages   {'':8} extract  language   datatrove   swallow")
    for column in ("encoding", "kind"):
        groups = Counter(row[column] for row in wanted)
        for group, total in sorted(groups.items(), key=lambda item: (-item[1], item[0])):
            print_row(group, total, [row["url"] for row in wanted if row[column] == group], extracted)
    print_row("html", len(wanted), [row["url"] for row in wanted], extracted)
    foreign = [row["url"] for row in labels().values() if row["is_ja"] == "0"]
    print(f"of {len(foreign)} foreign pages {sum(extracted.get(url, False) for url in foreign)} come out as Japanese")


def print_row(group: str, total: int, urls: list[str], extracted: dict[str, bool]) -> None:
    out, called = sum(url in extracted for url in urls), sum(extracted.get(url, False) for url in urls)
    peers = "".join(f"{peer.get(group, ''):>12}" for peer in PEERS.values())
    print(f"  {group:28} {total:6} {out / total:9.3f} {called / total:9.3f}{peers}")


def identity() -> None:
    from tests.html.test_trafilatura_fast import both, warc_pages  # swaps parts of trafilatura

    compared = 0
    different = []
    for url, page in warc_pages(WARC):
        compared += 1
        stock, fast = both(page)
        if stock != fast:
            different.append(url)
    print(f"{compared} pages: {len(different)} differ", *different, sep="\n  ")
    sys.exit(bool(different))


if __name__ == "__main__":
    main()
