"""A selection cut into parts, and what it would cost."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.acquire import parts as parts_module
from pipeline.acquire.estimate import DENSITY, WARC_BYTES, estimate
from pipeline.acquire.parts import local_index, make_parts
from pipeline.acquire.remote import Network, open_random
from pipeline.acquire.selection import Selection
from pipeline.acquire.table import index_files
from pipeline.acquire.turns import NoTurns
from pipeline.errors import UsageError
from tests.indexes import row, write
from tests.selecting import contents, crawl, made, naive, opened, places, records
from tests.servers import serving

# --- parts


@settings(max_examples=10, deadline=None)
@given(data=st.data(), n=st.integers(0, 300), size=st.sampled_from([3, 20, 4000]))
def test_parts_do_not_tell_how_rows_lay(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, n: int, size: int
) -> None:
    folder = tmp_path_factory.mktemp("parts")
    rows = crawl(n)
    again = data.draw(st.permutations(rows)) + rows[: n // 3]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(again)), max_size=4)))
    pieces = [again[a:b] for a, b in zip([0, *cuts], [*cuts, len(again)], strict=True)]
    selection = Selection(tlds=("jp",), left_out=3)
    one = made(folder / "one", selection, write(folder / "all.parquet", rows), size=size)
    files = [write(folder / f"{i}.parquet", piece, row_group_size=50) for i, piece in enumerate(pieces)]
    many = made(folder / "many", selection, *reversed(files), size=size)
    assert contents(many) == contents(one)
    assert [path.name for path in many.paths] == [path.name for path in one.paths]
    assert many.tally.chosen - many.duplicates == one.tally.chosen == len(records(one))


def test_a_spill_in_many_rounds_gives_the_same_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = crawl(1000)
    indexes = [write(tmp_path / f"{i}.parquet", rows[i::5], row_group_size=100) for i in range(5)]
    expected = contents(made(tmp_path / "one", Selection(), *indexes, size=50))
    monkeypatch.setattr(parts_module, "SPILL", 70)
    monkeypatch.setattr(parts_module, "_OPEN", 2)
    assert contents(made(tmp_path / "many", Selection(), *indexes, size=50)) == expected


def test_parts_hold_whole_warcs_sorted(tmp_path: Path) -> None:
    rows = crawl(3000, warcs=300)
    parts = made(tmp_path / "parts", Selection(), write(tmp_path / "i.parquet", rows), size=100)
    tables = [pq.read_table(path) for path in parts.paths]
    found = records(parts)
    assert places(found) == naive(rows, lambda r: True)
    assert len(found) == len(places(found))
    assert 8 <= len(tables) <= 16
    for table in tables:
        keys = list(zip(table["file"].to_pylist(), table["offset"].to_pylist(), strict=True))
        assert keys == sorted(keys)
    files = [set(table["file"].to_pylist()) for table in tables]
    assert sum(map(len, files)) == len(set().union(*files))


def test_a_record_that_is_listed_twice_counts_once_and_as_selected(tmp_path: Path) -> None:
    rows = [row("https://a.jp/", 7, content_languages="eng"), row("https://a.jp/", 7), row("https://a.jp/", 7)]
    parts = made(tmp_path / "parts", Selection(languages=("jpn",), left_out=1), write(tmp_path / "i.parquet", rows))
    (record,) = records(parts)
    assert record["left_out"] is False
    assert parts.duplicates == 2


def test_a_finished_selection_reads_no_index_again(tmp_path: Path) -> None:
    index = write(tmp_path / "i.parquet", crawl())

    def refuse(place: str) -> BinaryIO:
        raise AssertionError(f"{place} was read again")

    first = made(tmp_path / "parts", Selection(), index, size=50)
    again = make_parts(Selection(density=0.5), local_index([index]), tmp_path / "parts", refuse, size=50)
    assert again == first
    first.paths[0].unlink()
    assert made(tmp_path / "parts", Selection(), index, size=50) == first
    with pytest.raises(AssertionError, match="read again"):
        make_parts(Selection(tlds=("jp",)), local_index([index]), tmp_path / "parts", refuse)
    write(index, crawl(10))
    with pytest.raises(AssertionError, match="read again"):
        make_parts(Selection(), local_index([index]), tmp_path / "parts", refuse, size=50)


def test_a_scan_goes_on_with_the_index_file_where_it_broke(tmp_path: Path) -> None:
    indexes = [write(tmp_path / f"{i}.parquet", crawl(50, seed=i)) for i in range(3)]
    asked: list[str] = []

    def breaks(place: str) -> BinaryIO:
        asked.append(Path(place).name)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return opened(place)

    with pytest.raises(KeyboardInterrupt):
        make_parts(Selection(), local_index(indexes), tmp_path / "parts", breaks)
    parts = make_parts(Selection(), local_index(indexes), tmp_path / "parts", breaks)
    assert asked == ["0.parquet", "1.parquet", "1.parquet", "2.parquet"]
    assert contents(parts) == contents(made(tmp_path / "other", Selection(), *indexes))
    assert not (tmp_path / "parts" / "scan").exists()


# --- what it would cost


def test_the_estimate_counts_what_the_parts_hold(tmp_path: Path) -> None:
    near = [
        row(f"https://www.example.jp/{i}", i * 1000, warc_filename="a.warc.gz", warc_record_length=900)
        for i in range(9)
    ]
    far = [row(f"https://b.jp/{i}", i << 30, warc_filename="b.warc.gz", warc_record_length=900) for i in range(2)]
    other = [row("https://c.com/", 5, warc_filename="b.warc.gz", content_languages="eng")]
    index = write(tmp_path / "i.parquet", near + far + other, types={"warc_record_offset": pa.int64()})
    parts = made(tmp_path / "parts", Selection(languages=("jpn",), left_out=1), index)
    cost = estimate(parts.paths, net=Network(requests_per_second=2))
    assert (cost.records, cost.left_out, cost.warcs, cost.requests) == (11, 1, 2, 3)
    assert cost.bytes == 11 * 900 + 100
    assert cost.fetched_bytes == 8900 + 900 + 900
    assert cost.request_hours == pytest.approx(3 / 2 / 3600)
    assert cost.hosts == (("www.example.jp", 9), ("b.jp", 2))
    assert not cost.advice


def test_past_the_density_whole_warcs_are_recommended(tmp_path: Path) -> None:
    rows = [row(f"https://a.jp/{i}", i * 1000, warc_record_length=400) for i in range(100)]
    parts = made(tmp_path / "parts", Selection(), write(tmp_path / "i.parquet", rows))
    cost = estimate(parts.paths)
    assert cost.whole_bytes == 99_400 * 101 / 100  # a hundred records: the last ends at 100/101 of the file
    assert cost.density == pytest.approx(0.4, rel=0.02)
    assert DENSITY < 0.4 and cost.advice.startswith("read whole WARCs: the records are 40% of the bytes")
    assert cost.whole_core_hours > cost.core_hours > 0
    assert estimate(parts.paths, density=0.5).advice == ""


def test_the_size_of_a_warc_with_few_records_is_not_guessed_from_them(tmp_path: Path) -> None:
    parts = made(tmp_path / "parts", Selection(), write(tmp_path / "i.parquet", [row(offset=10)]))
    assert estimate(parts.paths).whole_bytes == WARC_BYTES
    assert estimate(made(tmp_path / "none", Selection()).paths).density == 0.0


# --- where index files are


def test_index_files_of_a_crawl_come_from_its_published_list(tmp_path: Path) -> None:
    table = "cc-index/table/cc-main/warc/crawl=CC-MAIN-2024-51/subset="
    names = [f"{table}{subset}/part-{i:05}-x.gz.parquet" for subset in ("crawldiagnostics", "warc") for i in range(3)]
    rows = crawl(50)
    with serving() as server:
        net = Network(base=server.url("/"))
        server.put("/crawl-data/CC-MAIN-2024-51/cc-index-table.paths.gz", gzip.compress("\n".join(names).encode()))
        for name in names:
            number = int(name.rpartition("part-")[2][:5]) if "subset=warc" in name else 0
            index = write(tmp_path / "i.parquet", rows[number::3] if "subset=warc" in name else [])
            server.put(f"/{name}", index.read_bytes())
        files = index_files(["CC-MAIN-2024-51"], net, NoTurns())
        pattern = index_files([server.url(f"/{table}warc/part-*.parquet")], net, NoTurns())
        parts = make_parts(Selection(), files, tmp_path / "parts", lambda place: open_random(place, net, NoTurns()))
        single = index_files([server.url(f"/{names[3]}")], net, NoTurns())
        with pytest.raises(UsageError, match="no file in the table"):
            index_files([server.url(f"/{table}warc/*/part-*.parquet")], net, NoTurns())
        with pytest.raises(UsageError, match="name each file"):
            index_files([server.url("/elsewhere/*.parquet")], net, NoTurns())
    assert [file.place.rpartition("/")[2] for file in files] == [f"part-{i:05}-x.gz.parquet" for i in range(3)]
    assert pattern == files
    assert [file.place for file in single] == [files[0].place]
    whole = made(tmp_path / "whole", Selection(), write(tmp_path / "all.parquet", rows))
    assert contents(parts) == contents(whole)


def test_local_index_files_are_found_by_pattern(tmp_path: Path) -> None:
    for name in ("b.parquet", "a.parquet", "c.txt"):
        write(tmp_path / name, [row()])
    net = Network()
    found = index_files([str(tmp_path / "*.parquet")], net, NoTurns())
    assert [Path(file.place).name for file in found] == ["a.parquet", "b.parquet"]
    with pytest.raises(UsageError, match="no index file there"):
        index_files([str(tmp_path / "d.parquet")], net, NoTurns())
