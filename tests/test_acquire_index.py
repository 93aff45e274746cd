"""Selection from a columnar index: what is chosen, how it is cut into parts, what it would cost."""

from __future__ import annotations

import gzip
import random
from collections import Counter
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.acquire import parts as parts_module
from pipeline.acquire.estimate import DENSITY, WARC_BYTES, estimate
from pipeline.acquire.index import scan
from pipeline.acquire.parts import Parts, local_index, make_parts
from pipeline.acquire.remote import Network, open_random
from pipeline.acquire.selection import Selection
from pipeline.acquire.table import index_files
from pipeline.acquire.turns import NoTurns
from pipeline.errors import InputError, UsageError
from tests.indexes import Row, row, write
from tests.servers import serving


def opened(place: str) -> BinaryIO:
    return open(place, "rb")


def chosen(path: Path, selection: Selection, count: Counter[str] | None = None) -> list[Row]:
    tables = scan(str(path), selection, opened, Counter() if count is None else count)
    return [found for table in tables for found in table.to_pylist()]


def urls(path: Path, selection: Selection) -> list[str]:
    return [found["url"] for found in chosen(path, selection)]


def made(folder: Path, selection: Selection, *files: Path, **more: Any) -> Parts:
    return make_parts(selection, local_index(files), folder, opened, **more)


def contents(parts: Parts) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in parts.paths}


def records(parts: Parts) -> list[Row]:
    return [record for path in parts.paths for record in pq.read_table(path).to_pylist()]


def crawl(n: int = 400, warcs: int = 40, seed: int = 1) -> list[Row]:
    """Rows of a small crawl: every second page Japanese, some not HTML, some not there."""
    chance = random.Random(seed)
    return [
        row(
            f"https://{chance.choice('abc')}.example.{'jp' if i % 2 else 'com'}/{i}",
            offset=(i // warcs) * 1000,
            warc_filename=f"crawl/{i % warcs:05}.warc.gz",
            warc_record_length=500,
            fetch_time=f"2024-12-{1 + i % 20:02}T00:00:00Z",
            fetch_status=chance.choice([200, 200, 200, 404]),
            content_mime_detected=chance.choice(["text/html", "application/xhtml+xml", "application/pdf"]),
            content_languages="jpn,eng" if i % 2 else "eng",
        )
        for i in range(n)
    ]


def naive(rows: list[Row], wanted: Any) -> set[tuple[str, int]]:
    html = ("text/html", "application/xhtml+xml")
    return {
        (r["warc_filename"], r["warc_record_offset"])
        for r in rows
        if r["fetch_status"] == 200 and r["content_mime_detected"] in html and wanted(r)
    }


def places(found: list[Row]) -> set[tuple[str, int]]:
    return {(r["file"], r["offset"]) for r in found}


# --- what is chosen


@pytest.mark.parametrize(
    ("pattern", "host", "held"),
    [
        ("example.jp", "example.jp", True),
        ("example.jp", "www.example.jp", True),
        ("example.jp", "notexample.jp", False),
        ("example.jp", "example.jp.evil.com", False),
        ("www.example.jp", "example.jp", False),
        ("EXAMPLE.jp.", "www.example.jp", True),
        ("example.jp", "WWW.Example.JP.", True),
        ("日本語.jp", "www.xn--wgv71a119e.jp", True),
        ("xn--wgv71a119e.jp", "日本語.jp", True),
        ("例え．日本", "xn--r8jz45g.xn--wgv71a", True),
        ("10.0.1.1", "10.0.1.1", True),
        ("10.0.1.1", "9.10.0.1.1", False),
        ("jp", "co.jp", True),
        ("jp", "jp.example.com", False),
    ],
)
def test_hosts_match_on_label_boundaries(tmp_path: Path, pattern: str, host: str, held: bool) -> None:
    index = write(tmp_path / "i.parquet", [row(url_host_name=host, url_host_tld=host.rpartition(".")[2])])
    assert bool(chosen(index, Selection(hosts=(pattern,)))) == held


def test_a_page_whose_host_is_unknown_is_not_chosen_by_host(tmp_path: Path) -> None:
    index = write(tmp_path / "i.parquet", [row(url_host_name=None, url_host_tld=None)])
    assert not chosen(index, Selection(tlds=("jp",)))
    assert chosen(index, Selection())


def test_one_of_several_languages_is_enough(tmp_path: Path) -> None:
    said = ["jpn", "eng,jpn", "eng", "jpnx", None, ""]
    index = write(
        tmp_path / "i.parquet", [row(f"https://a.jp/{i}", i, content_languages=s) for i, s in enumerate(said)]
    )
    count = Counter[str]()
    found = chosen(index, Selection(languages=("jpn",)), count)
    assert [r["url"][-1] for r in found] == ["0", "1"]
    assert count["no_language"] == 2


@pytest.mark.parametrize(
    "type", [pa.timestamp("ms", "UTC"), pa.timestamp("ms"), pa.timestamp("ns"), pa.timestamp("us")]
)
@pytest.mark.parametrize("int96", [False, True])
def test_dates_are_half_open(tmp_path: Path, type: pa.DataType, int96: bool) -> None:
    times = ["2024-11-30T23:59:59Z", "2024-12-01T00:00:00Z", "2024-12-09T23:59:59Z", "2024-12-10T00:00:00Z"]
    rows = [row(f"https://a.jp/{i}", i, fetch_time=time) for i, time in enumerate(times)]
    options = {"use_deprecated_int96_timestamps": True} if int96 else {}
    index = write(tmp_path / "i.parquet", rows, types={"fetch_time": type}, row_group_size=1, **options)
    selection = Selection(since="2024-12-01", until="2024-12-10")
    assert urls(index, selection) == ["https://a.jp/1", "https://a.jp/2"]
    assert urls(index, Selection(since="2024-12-01T09:00:00+09:00", until="2024-12-01T00:00:01Z")) == ["https://a.jp/1"]


def test_only_successful_html_is_chosen_and_the_rest_counted(tmp_path: Path) -> None:
    rows = [
        row("https://a.jp/html", 1),
        row("https://a.jp/xhtml", 2, content_mime_detected="application/xhtml+xml"),
        row("https://a.jp/pdf", 3, content_mime_detected="application/pdf"),  # whatever the server says it is
        row("https://a.jp/undetected", 4, content_mime_detected=None, content_mime_type="Text/HTML; charset=x"),
        row("https://a.jp/gone", 5, fetch_status=404),
        row("https://a.com/gone", 6, fetch_status=404),
    ]
    count = Counter[str]()
    found = chosen(write(tmp_path / "i.parquet", rows), Selection(tlds=("jp",)), count)
    assert [r["url"][13:] for r in found] == ["html", "xhtml", "undetected"]
    assert (count["rows"], count["other_status"], count["other_mime"], count["chosen"]) == (6, 1, 1, 3)


def test_urls_are_searched(tmp_path: Path) -> None:
    index = write(tmp_path / "i.parquet", [row("https://a.jp/blog/1", 1), row("https://a.jp/shop/1", 2)])
    assert urls(index, Selection(urls="/(blog|diary)/")) == ["https://a.jp/blog/1"]


def test_a_share_is_part_of_a_larger_share(tmp_path: Path) -> None:
    index = write(tmp_path / "i.parquet", [row(f"https://a.jp/{i}", i) for i in range(2000)])
    tenth, fifth = (set(urls(index, Selection(share=share))) for share in (0.1, 0.2))
    assert tenth < fifth
    assert 140 < len(tenth) < 260


def test_the_sample_of_what_is_left_out(tmp_path: Path) -> None:
    rows = crawl(4000)
    index = write(tmp_path / "i.parquet", rows)
    selection = Selection(languages=("jpn",), left_out=10)
    found = chosen(index, selection)
    without = chosen(index, Selection(languages=("jpn",)))
    sample = [r for r in found if r["left_out"]]
    assert [r for r in found if not r["left_out"]] == without
    rest = naive(rows, lambda r: r["content_languages"] == "eng")
    assert places(sample) < rest
    assert 0.06 < len(sample) / len(rest) < 0.14
    assert chosen(index, selection) == found


def test_the_sample_lies_in_the_dates_and_the_share(tmp_path: Path) -> None:
    rows = sorted(crawl(2000), key=lambda r: r["url_host_tld"])  # so that statistics could exclude row groups
    index = write(tmp_path / "i.parquet", rows, row_group_size=100)
    found = chosen(index, Selection(tlds=("jp",), left_out=1, since="2024-12-05", until="2024-12-07"))
    assert places(found) == naive(rows, lambda r: "2024-12-05" <= r["fetch_time"] < "2024-12-07")
    assert {r["left_out"] for r in found} == {False, True}
    everything = set(urls(index, Selection()))
    tenth = set(urls(index, Selection(share=0.1)))
    assert set(urls(index, Selection(tlds=("jp",), left_out=1, share=0.1))) == tenth < everything


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(0, 60).map(crawl),
    group=st.integers(1, 70),
    hosts=st.sampled_from([(), ("example.jp",), ("a.example.com", "b.example.jp")]),
    languages=st.sampled_from([(), ("jpn",), ("eng",), ("kor",)]),
    since=st.sampled_from(["", "2024-12-05"]),
)
def test_scanning_is_filtering(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row], group: int, hosts: Any, languages: Any, since: str
) -> None:
    rows = sorted(rows, key=lambda r: r["url_host_tld"])  # so that statistics exclude row groups
    path = write(tmp_path_factory.mktemp("scan") / "i.parquet", rows, row_group_size=group)

    def wanted(r: Row) -> bool:
        return (
            (not hosts or any(("." + r["url_host_name"]).endswith("." + host) for host in hosts))
            and (not languages or bool(set(languages) & set(r["content_languages"].split(","))))
            and r["fetch_time"] >= since
        )

    assert places(chosen(path, Selection(hosts=hosts, languages=languages, since=since))) == naive(rows, wanted)


@pytest.mark.parametrize(
    ("tld", "host"), [("JP", "EXAMPLE.JP"), ("jp.", "example.jp."), ("", "example.jp"), (None, "example.jp")]
)
def test_statistics_of_an_unusual_tld_exclude_nothing(tmp_path: Path, tld: str | None, host: str) -> None:
    rows = [row("https://example.com/", 1), row(url_host_name=host, url_host_tld=tld)]
    index = write(tmp_path / "i.parquet", rows[1:] if tld else rows)
    assert len(chosen(index, Selection(hosts=("example.jp",)))) == 1


def test_row_groups_of_other_tlds_are_not_read(tmp_path: Path) -> None:
    rows = [row(f"https://a.com/{i:05}{'x' * 200}", i) for i in range(5000)] + [row("https://a.jp/", 1)]
    index = write(tmp_path / "i.parquet", rows, row_group_size=1000, compression="none", use_dictionary=False)
    read = 0

    class Counted:
        def __init__(self, place: str) -> None:
            self._file = opened(place)
            self.closed = False

        def read(self, n: int = -1) -> bytes:
            nonlocal read
            data = self._file.read(n)
            read += len(data)
            return data

        def __getattr__(self, name: str) -> Any:
            return getattr(self._file, name)

        def __enter__(self) -> Counted:
            return self

        def __exit__(self, *_: object) -> None:
            self._file.close()

    tables = list(scan(str(index), Selection(tlds=("jp",)), Counted, Counter()))  # type: ignore[arg-type]
    assert sum(map(len, tables)) == 1
    assert read < index.stat().st_size / 20


# --- what cannot be


def test_an_index_of_an_old_crawl_has_no_languages(tmp_path: Path) -> None:
    index = write(tmp_path / "old.parquet", [row()], without=["content_languages"])
    with pytest.raises(UsageError, match=r"old\.parquet has no column content_languages: .*CC-MAIN-2018-39.*tlds"):
        chosen(index, Selection(languages=("jpn",)))
    assert chosen(index, Selection(tlds=("jp",)))


def test_a_column_of_languages_that_is_empty_is_as_none(tmp_path: Path) -> None:
    index = write(tmp_path / "old.parquet", [row(content_languages=None)])
    with pytest.raises(UsageError, match="the language of none of 1 pages"):
        made(tmp_path / "parts", Selection(languages=("jpn",)), index)
    assert len(records(made(tmp_path / "parts", Selection(tlds=("jp",)), index))) == 1


def test_a_missing_column_is_named_with_its_file(tmp_path: Path) -> None:
    index = write(tmp_path / "i.parquet", [row()], without=["warc_record_offset", "fetch_time"])
    with pytest.raises(UsageError, match=r"i\.parquet: no column warc_record_offset: .*cc-index-table"):
        chosen(index, Selection())


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not Parquet at all, but long enough to hold a footer"])
def test_what_is_no_index_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "i.parquet").write_bytes(content)
    with pytest.raises(InputError, match=r"i\.parquet: not a readable index file"):
        chosen(tmp_path / "i.parquet", Selection())


def test_a_damaged_index_is_named(tmp_path: Path) -> None:
    index = write(tmp_path / "i.parquet", crawl(2000), write_page_checksum=True)
    data = bytearray(index.read_bytes())
    data[4:3000] = bytes(2996)
    index.write_bytes(data)
    with pytest.raises(InputError, match=r"i\.parquet: not a readable index file"):
        chosen(index, Selection())


def test_a_url_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    index = write(tmp_path / "i.parquet", [row()], types={"url": pa.binary()})
    table = pq.read_table(index)
    bad = pa.array([b"https://a.jp/\xff"]).cast(pa.string(), safe=False)
    pq.write_table(table.set_column(table.schema.get_field_index("url"), "url", bad), index)
    with pytest.raises(InputError, match=r"i\.parquet: .*UTF"):
        chosen(index, Selection())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"hosts": ("https://example.jp/",)}, "write 'example.jp'"),
        ({"hosts": ("*.example.jp",)}, "write 'example.jp'"),
        ({"hosts": ("1.1",)}, "'1.1' is no host name"),
        ({"hosts": ("",)}, "'' is no host name"),
        ({"hosts": "example.jp"}, "give a list"),
        ({"languages": ("ja",)}, "'ja' is not an ISO 639-3 code"),
        ({"since": "2024-13-01"}, "'2024-13-01' is not a date"),
        ({"since": "2024-12-02", "until": "2024-12-02"}, "nothing lies between"),
        ({"urls": "("}, "not an RE2 expression"),
        ({"urls": r"(a)\1"}, "not an RE2 expression"),
        ({"share": 0.0}, "share = 0.0"),
        ({"share": 1.1}, "share = 1.1"),
        ({"left_out": -1}, "left_out = -1"),
        ({"density": 0.0}, "density = 0.0"),
    ],
)
def test_a_selection_that_cannot_be_meant(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        Selection(**values)
    assert "\n" not in str(caught.value)


def test_selections_that_mean_the_same_have_one_identity() -> None:
    one = Selection(
        hosts=("EXAMPLE.jp", "日本語.jp"), tlds=("kr",), languages=("jpn", "eng"), since="2024-12-01", density=0.5
    )
    other = Selection(
        hosts=("xn--wgv71a119e.jp", "example.jp", "kr"),
        languages=("eng", "jpn", "eng"),
        since="2024-12-01T09:00:00+09:00",
    )
    assert one.identity() == other.identity() != Selection().identity()


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
