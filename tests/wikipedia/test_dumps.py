"""Multistream dumps in ranges of their streams."""

from __future__ import annotations

import bz2
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.acquire import dumps
from pipeline.engine.sources import partitions
from pipeline.errors import InputError
from pipeline.recipe.recipe import load
from stages.slices import Slice
from stages.wikipedia.mediawiki import read
from stages.wikipedia.mediawiki_xml import Damage
from tests.dumps import multistream
from tests.runs import recipe, seimai, source
from tests.servers import Server

STREAMS = [range(at, at + 3) for at in range(1, 22, 3)]
TINY = "range_mb = 0.0001\n"


def offsets(index: Path) -> list[int]:
    return dumps.offsets(index.read_bytes(), str(index))


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return multistream(tmp_path_factory.mktemp("dump"), "jawiki-20220101-pages-articles-multistream", STREAMS)


@given(st.integers(1, 10_000))
def test_ranges_of_any_size_have_the_pages_of_the_dump(dump: tuple[Path, Path], size: int) -> None:
    path, index = dump
    ranges = dumps.slices(offsets(index), path.stat().st_size, size / (1 << 20), "index")
    found = [page for each in ranges for page in read(path, each)]
    assert found == list(read(path))
    assert ranges[-1].last and ranges[0].start == ranges[0].head
    assert all(left.end == right.start for left, right in pairwise(ranges))
    assert all(each.end - each.start >= size for each in ranges[:-1])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 6))
def test_a_range_that_was_fetched_is_read_as_if_in_place(dump: tuple[Path, Path], tmp_path: Path, which: int) -> None:
    path, index = dump
    of = dumps.slices(offsets(index), path.stat().st_size, 0.0001, "index")[which]
    content, cut = path.read_bytes(), tmp_path / "cut.xml.bz2"
    cut.write_bytes(content[: of.head] + content[of.start : of.end])
    fetched = Slice(of.head, of.start, of.end, of.last, fetched=True)
    assert list(read(cut, fetched)) == list(read(path, of)) != []


def test_damage_in_a_range_costs_its_stream_and_is_told_by_its_place_in_the_dump(dump: tuple[Path, Path], tmp_path: Path) -> None:  # fmt: skip
    path, index = dump
    starts = offsets(index)
    content = bytearray(path.read_bytes())
    content[starts[4] + 40] ^= 0xFF
    broken = tmp_path / "broken.xml.bz2"
    broken.write_bytes(content)
    found = list(read(broken, Slice(starts[0], starts[3], starts[6], last=False)))
    assert [item.offset for item in found if isinstance(item, Damage)] == [starts[4]]
    assert [item.id for item in found if not isinstance(item, Damage)] == [*STREAMS[3], *STREAMS[5]]


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("/d/jawiki-20240101-pages-articles-multistream.xml.bz2", "jawiki-20240101-pages-articles-multistream-index.txt.bz2"),
        ("/d/x-multistream1.xml-p1p114794.bz2", "x-multistream-index1.txt-p1p114794.bz2"),
        ("/d/jawiki-20240101-pages-articles.xml.bz2", ""),
        ("/d/jawiki.xml", ""),
    ],
)  # fmt: skip
def test_the_index_goes_by_the_names_of_the_foundation(name: str, index: str) -> None:
    base = "https://dumps.example"
    assert dumps.beside(base + name) == (index and f"{base}/d/{index}")
    assert dumps.beside(name) == ""  # no such file here


@pytest.mark.parametrize(
    ("name", "date"),
    [("jawiki-20240102-pages.xml.bz2", "2024-01-02"), ("jawiki-latest.xml.bz2", ""), ("jawiki-20241399.xml", ""), ("p120240102.bz2", "")],
)  # fmt: skip
def test_the_name_of_a_dump_tells_its_date(name: str, date: str) -> None:
    assert dumps.date_in(name) == date


@pytest.mark.parametrize(
    ("index", "told"),
    [
        (bz2.compress(b"602:1:a\n")[:-8], "cut or corrupt"),
        (b"602:1:a\nnonsense\n", "line 2 is not 'offset:page id:title'"),
        (b"602:1:a\n600:1:a\n", "line 2 goes back from byte 602 to 600"),
        (b"", "is empty"),
    ],
)
def test_an_index_that_is_none_is_one_clear_error(index: bytes, told: str) -> None:
    with pytest.raises(InputError, match=told):
        dumps.offsets(index, "the-index")


def rows(folder: Path) -> list[dict[str, Any]]:
    """What the release says of each document, but for where in which file it lay."""
    tables = [pq.read_table(path).drop(["origin", "offset"]) for path in sorted((folder / "release/data").glob("*"))]
    return sorted((row for table in tables for row in table.to_pylist()), key=lambda row: str(row["id"]))


def run(folder: Path, *files: Path | str, more: str = "") -> list[dict[str, Any]]:
    folder.mkdir()
    done = seimai(
        "run", recipe(folder, source("wiki", "mediawiki", *files) + more), "--runner", "local", "--workers", "2"
    )
    assert done.code == 0, done.err
    return rows(folder)


def test_one_stream_many_ranges_and_an_address_give_the_same_documents(dump: tuple[Path, Path], tmp_path: Path, server: Server) -> None:  # fmt: skip
    path, _ = dump
    alone = tmp_path / "jawiki-20220101.xml.bz2"
    alone.write_bytes(bz2.compress(bz2.decompress(path.read_bytes())))
    whole = run(tmp_path / "whole", alone)
    ranges = run(tmp_path / "ranges", path, more=TINY)
    server.files = {f"/{file.name}": file.read_bytes() for file in dump}
    fetched = run(tmp_path / "fetched", server.url(f"/{path.name}"), more=TINY)
    assert len(whole) == 21
    assert whole == ranges == fetched
    assert {row["license"] for row in whole} == {"CC-BY-SA-3.0 OR GFDL-1.3-or-later"}  # of a dump of 2022
    assert whole[0]["categories"] == [f"架空の{whole[0]['text'].split('は、')[0]}"]
    assert {(row["page_id"] + 1000, row["record"]) for row in whole} == {(row["revision_id"], "") for row in whole}
    told = seimai("templates", tmp_path / "ranges/recipe.toml")
    assert told.out.splitlines()[1].split("\t") == ["21", "21", "架空の札", "題1"]


@pytest.mark.parametrize("left", [0.3, 0.6, 0.99])
def test_of_a_cut_dump_everything_before_the_cut_is_read_and_the_cut_is_told(
    dump: tuple[Path, Path], tmp_path: Path, left: float
) -> None:
    path, index = dump
    content = path.read_bytes()
    cut = tmp_path / "cut.xml.bz2"
    cut.write_bytes(content[: int(len(content) * left)])
    found = [item for of in dumps.slices(offsets(index), cut.stat().st_size, 0.0001, "") for item in read(cut, of)]
    whole = sum(end <= cut.stat().st_size for end in [*offsets(index)[1:], len(content)])
    assert [item.id for item in found if not isinstance(item, Damage)][: 3 * whole] == list(range(1, 3 * whole + 1))
    assert any(isinstance(item, Damage) for item in found)


def test_an_index_of_another_dump_stops_the_run_before_it_begins(dump: tuple[Path, Path], tmp_path: Path) -> None:
    path, index = dump
    (tmp_path / "index.txt").write_bytes(b"".join(b"%d:1:a\n" % (at + 1) for at in offsets(index)))
    text = source("wiki", "mediawiki", path, dump_index="index.txt") + TINY
    done = seimai("run", recipe(tmp_path, text), "--runner", "local")
    assert done.code == 1
    assert "index.txt: no bzip2 stream begins at byte" in done.err and "Traceback" not in done.err
    without = source("wiki", "mediawiki", path, dump_index="") + TINY
    assert seimai("plan", recipe(tmp_path, without)).out.startswith("test: partitions: 1,")


@pytest.mark.parametrize("damage", [b"", b"\xff[", b'{"starts": [0, 1]}'])
def test_kept_offsets_that_are_damaged_are_read_from_the_index_again(
    dump: tuple[Path, Path], tmp_path: Path, damage: bytes
) -> None:
    path, _ = dump
    wanted = load(recipe(tmp_path, source("wiki", "mediawiki", path) + TINY))
    parts = partitions(wanted)
    (kept,) = (tmp_path / "work" / "selections").glob("*.json")
    sound = kept.read_bytes()
    kept.write_bytes(damage)
    assert partitions(wanted) == parts
    assert kept.read_bytes() == sound
