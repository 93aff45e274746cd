"""Every kind of source in one run, to one release."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.engine.sources import partitions
from pipeline.recipe.recipe import load
from stages.wikipedia.wikitext import clean
from tests.dumps import article, multistream
from tests.runs import ROOT, places, recipe, seimai, source, tree
from tests.warcs import compress

DATA = ROOT / "tests" / "data"


def prose(number: int) -> str:
    return clean(article(number), "")


def wet(folder: Path) -> Path:
    said = prose(20).encode()
    path = folder / "page.warc.wet.gz"
    head = (
        "WARC/1.0\r\nWARC-Type: conversion\r\nWARC-Target-URI: https://example.jp/wet\r\n"
        "WARC-Date: 2024-12-01T00:00:00Z\r\nWARC-Record-ID: <urn:uuid:00000000-0000-4000-8000-000000000001>\r\n"
        f"Content-Type: text/plain\r\nContent-Length: {len(said)}\r\n\r\n"
    )
    path.write_bytes(compress(head.encode() + said + b"\r\n\r\n"))
    return path


def tables(folder: Path) -> tuple[Path, Path]:
    rows = [{"text": prose(number), "meta": {"url": f"https://example.jp/{number}"}} for number in (11, 12, 13)]
    lines = folder / "a.jsonl"
    lines.write_text("".join(json.dumps(row) + "\n" for row in rows[:2]) + "{broken\n", encoding="utf-8")
    pq.write_table(pa.Table.from_pylist(rows[1:]), folder / "b.parquet")
    return lines, folder / "b.parquet"


def sources(folder: Path) -> str:
    dump, _ = multistream(folder, "wiki", [[1, 2], [3]])
    lines, table = tables(folder)
    column = {"url_column": "meta.url", "license": "CC0-1.0"}
    return "".join(
        (
            source("wiki", "mediawiki", dump),
            source("aozora", "aozora", DATA / "aozora/whole_work.txt", join="dedup", license="LicenseRef-Own"),
            source("law", "egov", DATA / "egov/bare_law.xml", join="dedup"),
            source("diet", "kokkai", DATA / "kokkai/meeting_answer.json", join="dedup"),
            source("lines", "jsonl", lines, **column),
            source("table", "parquet", table, **column),
            source("wet", "wet", wet(folder), license="LicenseRef-Common-Crawl-Terms"),
        )
    )


def test_every_kind_of_source_ends_in_one_release(tmp_path: Path) -> None:
    file = recipe(tmp_path, sources(tmp_path))
    done = seimai("run", file, "--runner", "local", "--workers", "2")
    assert done.code == 0, done.err
    assert seimai("verify", tmp_path / "release").code == 0
    manifest: dict[str, Any] = json.loads((tmp_path / "release/manifest.json").read_bytes())
    by_name = {entry["name"]: entry for entry in manifest["sources"]}
    written = {name: entry["funnel"]["written"]["documents"] for name, entry in by_name.items()}
    assert written == {
        "wiki": 3,
        "aozora": 1,
        "law": 1,
        "diet": 1,
        "lines": 2,
        "table": 1,
        "wet": 1,
    }  # table: 乙 is in lines
    assert by_name["lines"]["funnel"]["lost"] == {"damage": 1}
    assert {name: entry["licenses"] for name, entry in by_name.items() if name != "wiki"} == {
        "aozora": {"LicenseRef-Own": 1},
        "law": {"LicenseRef-JP-Law-Art13": 1},
        "diet": {"LicenseRef-JP-Diet-Record": 1},
        "lines": {"CC0-1.0": 2},
        "table": {"CC0-1.0": 1},
        "wet": {"LicenseRef-Common-Crawl-Terms": 1},
    }
    for line in ("aozora (aozora): LicenseRef-Own", "law (egov): LicenseRef-JP-Law-Art13"):
        assert f"Source {line}" in (tmp_path / "release/NOTICE").read_text(encoding="utf-8")
    assert "https://example.jp/wet" in seimai("trace", "https://example.jp/wet", "--run", file).out
    again = seimai("run", file, "--runner", "local", "--workers", "1", *places(tmp_path / "again"))
    assert again.code == 0
    assert tree(tmp_path / "again/release") == tree(tmp_path / "release")


def test_a_dry_run_looks_into_every_kind(tmp_path: Path) -> None:
    done = seimai("dry-run", recipe(tmp_path, sources(tmp_path)), "--sample", "2")
    assert done.code == 0, done.err
    assert "10 documents sampled, 10 kept" in done.out


@pytest.mark.parametrize(
    ("kind", "file", "same"),
    [("aozora", "aozora/whole_work.txt", False), ("kokkai", "kokkai/meeting_answer.json", True)],
)
def test_a_renamed_file_is_another_partition_only_where_the_reader_goes_by_names(
    tmp_path: Path, kind: str, file: str, same: bool
) -> None:
    content = (DATA / file).read_bytes()
    ids = []
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(content)
        (part,) = partitions(load(recipe(tmp_path, source("s", kind, tmp_path / name))))
        ids.append(part.id)
    assert (ids[0] == ids[1]) is same
