"""What becomes of the 1,581 Japanese pages of the development data. Run `seimai run manifests/development.toml` first.

    python -m tests.bench.development [--work DIR] [--excerpts N]

Prints, against LABELS.tsv: how many labelled Japanese pages were extracted, called Japanese, kept, and rejected by which
reason; the foreign pages among what was kept; and optionally the beginnings of N kept and N rejected pages to read.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter

import pyarrow.parquet as pq

from pipeline.engine.plan import committed_dedup, survey
from pipeline.recipe.recipe import load
from pipeline.session import prepare
from pipeline.store.folder import LocalStore
from tests.runs import ROOT

LABELS = ROOT.parent / "shared" / "data" / "LABELS.tsv"


def fates(work: str | None) -> dict[str, tuple[str, str]]:
    """URL -> (fate, text): 'kept' or the reason why not. URLs that never became rows are absent."""
    recipe = load(ROOT / "manifests" / "development.toml", work=work)
    plan, store = prepare(recipe), LocalStore(recipe.work)
    found = survey(store, plan.chains, plan.parts)
    dedup = committed_dedup(plan, store, found.parts)
    if dedup is None:
        sys.exit("nothing is committed: run `seimai run manifests/development.toml` first")
    known: dict[str, tuple[str, str]] = {}
    for part in found.parts:
        if part.source != "web":
            continue
        rows, verdicts, last = (
            pq.read_table(store.path(output["path"]), partitioning=None).to_pylist()
            for output in (part.outputs["extract"], part.outputs["verdict"], dedup.outputs[part.id])
        )
        for row, verdict, kept in zip(rows, verdicts, last, strict=True):
            reason = verdict["reason"] or (f"dedup.{kept['level']}" if kept["level"] else "kept")
            known[row["url"]] = (reason, row["text"])
    return known


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", help="work folder of the run, if not the recipe's")
    parser.add_argument("--excerpts", type=int, default=0)
    options = parser.parse_args()
    if not LABELS.exists():
        print(f"skipped: {LABELS} is not here")
        sys.exit()
    with LABELS.open(encoding="utf-8", newline="") as file:
        labels = {row["url"]: row for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)}
    known = fates(options.work)
    japanese = [url for url, row in labels.items() if row["is_ja"] == "1"]
    html = [url for url in japanese if row_is_html(labels[url])]
    counts = Counter(known.get(url, ("not extracted", ""))[0] for url in japanese)
    extracted = [url for url in japanese if url in known and not known[url][0].startswith("extract.")]
    called = [url for url in extracted if known[url][0] != "JA001"]
    print(f"Japanese pages: {len(japanese)}, of them text/html {len(html)}")
    print(f"extracted: {len(extracted)} ({len(extracted) / len(japanese):.3f}; html {share(html, extracted):.3f})")
    print(
        f"extracted and called Japanese: {len(called)} ({len(called) / len(japanese):.3f}; html {share(html, called):.3f})"
    )
    for reason, n in counts.most_common():
        print(f"  {n:5} {reason}")
    kept = [url for url, (reason, _) in known.items() if reason == "kept"]
    foreign = [url for url in kept if labels.get(url, {}).get("is_ja") == "0"]
    print(f"kept: {len(kept)}, foreign among them: {len(foreign)} ({len(foreign) / max(1, len(kept)):.2%})")
    for url in foreign:
        print(f"  foreign: {labels[url]['language']} {url}")
    for title, wanted in (("kept", True), ("rejected", False)):
        chosen = sorted(url for url in known if (known[url][0] == "kept") == wanted)
        for url in chosen[:: max(1, len(chosen) // max(1, options.excerpts))][: options.excerpts]:
            print(f"\n[{title}: {known[url][0]}] {url}\n{known[url][1][:300]!r}")


def row_is_html(label: dict[str, str]) -> bool:
    return label["mime"].startswith("text/html") and label["status"] == "200"


def share(of: list[str], among: list[str]) -> float:
    return len(set(of) & set(among)) / max(1, len(of))


if __name__ == "__main__":
    main()
