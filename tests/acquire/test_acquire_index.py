"""Selection from a columnar index: what is chosen."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.acquire.index import scan
from pipeline.acquire.selection import Selection
from pipeline.errors import InputError, UsageError
from tests.indexes import Row, row, write
from tests.selecting import chosen, crawl, made, naive, opened, places, records, urls

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
