"""The language stage against its model alone, and what it says of the labelled pages.

    python -m tests.bench.language [--repeat N] [--pages FILE] [--borderline N]

Speed in CPU time, on documents of 1,800 characters of clean Japanese text, one core: the model on the whole document, the model on the
stage's sample, and the whole stage (Arrow in, edits, model, paragraphs, Arrow out); the best of N runs each.

Accuracy, on `text/lid.jsonl` and, where `--pages` names one or more Parquet files of a committed `extract` (default: those
of the development recipe), the confusion against LABELS.tsv by language and by the share of kana in the whole page,
and the N documents nearest to an even chance to read.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import fasttext
import pyarrow as pa
import pyarrow.parquet as pq

from stages.edits.edits import EDITS_TYPE, within_page
from stages.language.language import Language, score
from stages.language.lid import BUILT_IN, identify, model_path
from stages.spans import apply
from tests.runs import ROOT, SHARED
from tests.sinks import MemorySink

CHARACTERS = 1800
EVEN = 0.5  # the bound of JA001


def documents(limit: int) -> list[str]:
    """Clean texts joined and cut anew: every document has the length that the goal names."""
    lines = (SHARED / "text" / "clean_ja.jsonl").read_text(encoding="utf-8").splitlines()
    joined = "\n".join(json.loads(line)["text"] for line in lines)
    return [joined[i : i + CHARACTERS] for i in range(0, len(joined) - CHARACTERS, CHARACTERS)][:limit]


def batch(texts: Sequence[str]) -> dict[str, pa.Table]:
    edits = [[{"start": a, "end": b, "text": new} for a, b, new in within_page(text)] for text in texts]
    blank = [""] * len(texts)
    return {
        "extract": pa.table({"text": pa.array(texts, pa.large_string()), "title": blank, "declared_language": blank}),
        "edits": pa.table({"edits": pa.array(edits, EDITS_TYPE)}),
    }


def best(run: Callable[[], Any], repeat: int) -> float:
    run()  # compiles kernels, loads the model
    seconds = []
    for _ in range(repeat):
        start = time.process_time()
        run()
        seconds.append(time.process_time() - start)
    return min(seconds)


def speed(repeat: int) -> None:
    texts, path, stage = documents(600), model_path(BUILT_IN), Language()
    table, sink = batch(texts), MemorySink({})

    model = fasttext.load_model(str(path)).f
    lines = [text.replace("\n", " ") + "\n" for text in texts]
    rows: list[tuple[str, Callable[[], Any]]] = [
        ("fastText alone, whole document", lambda: [model.predict(line, 5, 0.0, "strict") for line in lines]),
        ("fastText alone, the stage's sample", lambda: [identify(text, path) for text in texts]),
        ("paragraphs and score alone", lambda: [score(text, 0.5) for text in texts]),
        ("the whole stage", lambda: stage.rows(table, sink)),
    ]
    print(f"{len(texts)} documents of {CHARACTERS} characters, best of {repeat}")
    for name, run in rows:
        print(f"  {name:36} {len(texts) / best(run, repeat):8,.0f} documents/s")


def sentences() -> None:
    rows = [json.loads(line) for line in (SHARED / "text" / "lid.jsonl").read_bytes().splitlines()]
    path = model_path(BUILT_IN)
    judged = [(row, answer := identify(row["text"], path), score(row["text"], answer.japanese)) for row in rows]
    for name, chosen in (
        ("20 characters and more", [j for j in judged if len(j[0]["text"]) >= 20]),
        ("all, two-letter strings included", judged),
    ):
        for who, called in (
            ("model alone", [answer.language == "ja" for _, answer, _ in chosen]),
            ("stage", [found.japanese >= EVEN for _, _, found in chosen]),
        ):
            truth = [row["lang"] == "ja" for row, _, _ in chosen]
            hits = sum(a and b for a, b in zip(truth, called, strict=True))
            precision, recall = hits / max(1, sum(called)), hits / max(1, sum(truth))
            chinese = [said for (row, _, _), said in zip(chosen, called, strict=True) if row["lang"] == "zh"]
            print(
                f"  {name}, {who}: P {precision:.4f} R {recall:.4f} F1 {2 * precision * recall / (precision + recall):.4f}; "
                f"Chinese called Japanese {sum(chinese)} of {len(chinese)}"
            )


def pages(files: Iterable[Path], borderline: int) -> None:
    with (SHARED / "LABELS.tsv").open(encoding="utf-8", newline="") as file:
        labels = {row["url"]: row for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)}
    path = model_path(BUILT_IN)
    table: dict[tuple[str, str], Counter[bool]] = defaultdict(Counter)
    near: list[tuple[float, float, str, str]] = []
    for row in (row for name in files for row in pq.read_table(name, partitioning=None).to_pylist()):
        label = labels.get(row["url"])
        if label is None or row["reason"]:
            continue
        text = apply(row["text"], within_page(row["text"]))
        found = score(text, identify(text, path).japanese, row["title"], row["declared_language"])
        table[label["language"].split("-")[0], kana_class(float(label["ja_kana_ratio"]))][found.japanese >= EVEN] += 1
        near.append((abs(found.japanese - EVEN), found.japanese, row["url"], text))
    print("  label  kana of the page   called Japanese   not")
    for (language, kana), counts in sorted(table.items()):
        print(f"  {language:6} {kana:18} {counts[True]:15} {counts[False]:5}")
    for _, value, url, text in sorted(near)[:borderline]:
        print(f"\n[{value:.2f}] {url}\n{text[:300]!r}")


def kana_class(ratio: float) -> str:
    return next(
        name for bound, name in ((0.1, "under 0.1"), (0.3, "0.1 to 0.3"), (2.0, "0.3 and more")) if ratio < bound
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--pages", type=Path, nargs="*", help="Parquet files of a committed extract")
    parser.add_argument("--borderline", type=int, default=0)
    options = parser.parse_args()
    if not SHARED.exists():
        print(f"skipped: {SHARED} is not here")
        sys.exit()
    speed(options.repeat)
    print("text/lid.jsonl")
    sentences()
    committed = ROOT / "build" / "development" / "work" / "stages" / "extract"
    files = options.pages or sorted(committed.glob("*/data/*.parquet"))
    files = [name for name in files if "-passed-" not in name.name]
    print(f"labelled pages, as extracted in {len(files)} file(s)")
    pages(files, options.borderline)


if __name__ == "__main__":
    main()
