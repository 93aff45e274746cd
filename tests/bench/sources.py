"""Speed of the readers of tables, WET, 青空文庫 and minutes on made-up files, each beside the least that can be done with it.

    python -m tests.bench.sources [--megabytes 20]

Prints MB of input text a second of processor time, one core, best of three, and the share of the baseline's speed: of JSONL
and minutes `json.loads`, of Parquet reading the same columns, of WET decompressing, of 青空文庫 decoding Shift_JIS.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stages.base import Inputs, SourceFile, Stage
from stages.readers.aozora import ExtractAozora
from stages.readers.jsonl import ExtractJsonl
from stages.readers.kokkai import ExtractKokkai
from stages.readers.parquet import ExtractParquet
from stages.readers.wet import ExtractWet
from tests.sinks import MemorySink, run
from tests.warcs import compress

SENTENCE = "{}番目の話では、古い橋のたもとの茶店で、旅人が雨の上がるのを待っている。\n"
ROUNDS = 3


def text(number: int, lines: int = 60) -> str:
    return "".join(SENTENCE.format(number * lines + line) for line in range(lines))


def seconds(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def read(stage: Stage, path: Path) -> MemorySink:
    return run(stage, Inputs(file=SourceFile(str(path), "ab" * 32, path.stat().st_size)))


def jsonl(folder: Path, rows: list[dict[str, Any]]) -> tuple[Path, Callable[[], object]]:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path, lambda: [json.loads(line) for line in path.open("rb")]


def parquet(folder: Path, rows: list[dict[str, Any]]) -> tuple[Path, Callable[[], object]]:
    path = folder / "rows.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path, compression="zstd")
    return path, lambda: pq.read_table(path).to_pylist()


def wet(folder: Path, rows: list[dict[str, Any]]) -> tuple[Path, Callable[[], object]]:
    path = folder / "rows.warc.wet.gz"
    with path.open("wb") as file:
        for number, row in enumerate(rows):
            body = row["text"].encode()
            head = (
                f"WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Target-URI: https://example.jp/{number}\r\n"
                f"WARC-Date: 2024-12-01T00:00:00Z\r\nWARC-Record-ID: <urn:uuid:{number:08x}-0000-4000-8000-000000000001>\r\n"
                f"Content-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            file.write(compress(head.encode() + body + b"\r\n\r\n"))
    return path, lambda: gzip.decompress(path.read_bytes())


def aozora(folder: Path, rows: list[dict[str, Any]]) -> tuple[Path, Callable[[], object]]:
    path = folder / "work.txt"
    body = "".join(row["text"] for row in rows[: max(1, len(rows) // 10)]).replace("旅人", "旅人《たびびと》")
    path.write_bytes(f"題\r\n著者\r\n\r\n{body}\r\n底本：「本」書房\r\n".encode("cp932"))
    return path, lambda: path.read_bytes().decode("cp932")


def minutes(folder: Path, rows: list[dict[str, Any]]) -> tuple[Path, Callable[[], object]]:
    path = folder / "minutes.json"
    speeches = [
        {"speechID": str(n), "speechOrder": n, "speaker": "甲", "speech": row["text"]} for n, row in enumerate(rows)
    ]
    meeting = {
        "issueID": "1",
        "session": 1,
        "nameOfHouse": "衆議院",
        "nameOfMeeting": "本会議",
        "speechRecord": speeches,
    }
    path.write_text(json.dumps({"meetingRecord": [meeting]}, ensure_ascii=False), encoding="utf-8")
    return path, lambda: json.loads(path.read_bytes())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--megabytes", type=int, default=20)
    size = parser.parse_args().megabytes * 1_000_000
    rows = [{"text": text(n)} for n in range(max(1, size // len(text(0).encode())))]
    readers: list[tuple[str, Stage, Callable[..., tuple[Path, Callable[[], object]]]]] = [
        ("jsonl", ExtractJsonl(), jsonl),
        ("parquet", ExtractParquet(), parquet),
        ("wet", ExtractWet(), wet),
        ("aozora", ExtractAozora(), aozora),
        ("kokkai", ExtractKokkai(), minutes),
    ]
    with tempfile.TemporaryDirectory() as folder:
        for name, stage, make in readers:
            path, least = make(Path(folder), rows)
            sink = read(stage, path)
            read_size = sum(len(str(row["text"]).encode()) for row in sink.rows())
            ours, baseline = seconds(lambda s=stage, p=path: read(s, p)), seconds(least)  # type: ignore[misc]
            sys.stdout.write(
                f"{name:8} {read_size / ours / 1e6:6.1f} MB/s  {baseline / ours:.2f} of the baseline's speed\n"
            )


if __name__ == "__main__":
    main()
