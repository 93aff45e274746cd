"""Reading the columnar index of a crawl: one Parquet file after the other, only the columns and row groups that matter.

The table is that of https://github.com/commoncrawl/cc-index-table (flat schema): a row a capture, sorted by address, 300
files of about 1 GB a crawl. Of a row group the columns that decide are read first; address and place of the records only
where one is chosen. Memory: those columns of one row group (Common Crawl: some 100 MB).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.acquire.selection import Mask, Selection, file_keys, instant, matching
from pipeline.errors import UsageError
from stages.base import InputError

LANGUAGES_SINCE = "CC-MAIN-2018-39"  # the first crawl with content_languages (the schema of cc-index-table says so)
HTML = frozenset({"text/html", "application/xhtml+xml"})
CHOSEN = pa.schema(
    [
        pa.field("file", pa.string(), nullable=False),  # warc_filename, relative to the base of the crawl
        pa.field("offset", pa.int64(), nullable=False),  # bytes
        pa.field("length", pa.int64(), nullable=False),  # bytes, of the gzip member
        pa.field("url", pa.string(), nullable=False),
        pa.field("left_out", pa.bool_(), nullable=False),  # part of the sample of what the selection left out
    ]
)
Open = Callable[[str], BinaryIO]

_PLACE = {"url": "url", "warc_filename": "file", "warc_record_offset": "offset", "warc_record_length": "length"}
_BATCH = 1 << 16  # rows of addresses held at a time
_NULLS_THAT_TELL = 100_000  # pages without a language after which a column of nulls is no accident
_PLAIN_LABEL = re.compile(r"[a-z0-9-]+")


@dataclass(frozen=True)
class Tally:
    """Rows of the index, counted. All but `rows` count rows that hosts, languages and dates ask for."""

    rows: int = 0  # of the index files, looked at or passed over by their statistics
    other_status: int = 0  # not HTTP 200
    other_mime: int = 0  # 200, but neither HTML nor XHTML
    no_language: int = 0  # HTML pages by hosts and dates of which the index knows no language (where one is asked for)
    chosen: int = 0  # rows chosen, before a record that is listed twice counts once
    left_out: int = 0  # rows of the sample

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


def scan(place: str, selection: Selection, open: Open, count: Counter[str]) -> Iterator[pa.Table]:
    """The chosen rows of one index file as tables of `CHOSEN`; `count` gets the fields of `Tally`.

    Raises UsageError for an index that cannot answer the selection, InputError for a file that is no index.
    """
    try:
        with open(place) as raw:
            metadata = pq.read_metadata(raw)
            columns = _columns(place, metadata.schema.to_arrow_schema(), selection)
            coded = [name for name in (*columns, "warc_filename") if name in _CODED]
            file = pq.ParquetFile(raw, metadata=metadata, read_dictionary=coded, coerce_int96_timestamp_unit="us")
            for group in range(file.num_row_groups):
                meta = file.metadata.row_group(group)
                count["rows"] += meta.num_rows
                if not _excluded(meta, selection):
                    yield from _group(place, file, group, columns, selection, count)
    except (OSError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())[:160]
        raise InputError(f"{place}: not a readable index file ({reason}): it must be Parquet; fetch it again") from None


def check_languages(place: str, selection: Selection, count: Mapping[str, int], *, last: bool) -> None:
    """UsageError where the column of languages holds nothing, as in index files of old crawls that were written anew."""
    pages, without = count.get("pages", 0), count.get("no_language", 0)
    if selection.languages and pages == without and pages >= (1 if last else _NULLS_THAT_TELL):
        raise UsageError(_no_languages(place, f"knows the language of none of {pages} pages"))


# Columns with few values for their rows: read as codes, so that each value is looked at once.
_CODED = ("url_host_name", "content_mime_detected", "content_mime_type", "content_languages", "warc_filename")


def _columns(place: str, schema: pa.Schema, selection: Selection) -> list[str]:
    """The columns that decide. UsageError for one that this selection cannot do without."""
    names = set(schema.names)
    if selection.languages and "content_languages" not in names:
        raise UsageError(_no_languages(place, "has no column content_languages"))
    mime = [name for name in ("content_mime_detected", "content_mime_type") if name in names]
    needed = ["fetch_status", *(mime or ["content_mime_detected"])]
    needed += ["fetch_time"] * selection.dated
    needed += ["url_host_name"] * (selection.suffixes is not None)
    needed += ["content_languages"] * bool(selection.languages)
    missing = [name for name in (*needed, *_PLACE) if name not in names]
    if missing:
        raise UsageError(
            f"{place}: no column {', '.join(missing)}: give files of the flat table of cc-index-table, "
            "e.g. cc-index/table/cc-main/warc/crawl=CC-MAIN-2024-51/subset=warc/*.parquet"
        )
    if selection.dated and not pa.types.is_timestamp(schema.field("fetch_time").type):
        raise UsageError(
            f"{place}: fetch_time is {schema.field('fetch_time').type}, not a timestamp: leave out since and until"
        )
    return needed


def _no_languages(place: str, what: str) -> str:
    return (
        f"{place} {what}: crawls before {LANGUAGES_SINCE} say no languages; "
        'select by tlds = ["jp"] or hosts instead, or read whole WARCs with crawl = "..."'
    )


def _excluded(meta: pq.RowGroupMetaData, selection: Selection) -> bool:
    """Whether the statistics of a row group say that nothing in it can be chosen or counted."""
    found = {meta.column(i).path_in_schema: meta.column(i).statistics for i in range(meta.num_columns)}
    time = found.get("fetch_time")
    if selection.dated and time is not None and time.has_min_max:
        first, last = (str(value) for value in (time.min, time.max))
        if selection.since and instant(last) < instant(selection.since):
            return True
        if selection.until and instant(first) >= instant(selection.until):
            return True
    if selection.suffixes is None or selection.left_out:
        return False
    labels, tld = selection.suffixes.top_labels(), found.get("url_host_tld")
    if labels is None or tld is None or not tld.has_min_max or tld.null_count != 0:
        return False
    # Common Crawl writes the column in lower case and Punycode; where another table does not, its order means nothing.
    plain = _PLAIN_LABEL.fullmatch(tld.min) and _PLAIN_LABEL.fullmatch(tld.max)
    return bool(plain) and not any(tld.min <= label <= tld.max for label in labels)


def _group(
    place: str, file: pq.ParquetFile, group: int, columns: list[str], selection: Selection, count: Counter[str]
) -> Iterator[pa.Table]:
    wanted, rest = _decide(file.read_row_group(group, columns=columns), selection, count)
    if not (wanted.any() or (selection.left_out and rest.any())):
        return
    start = 0
    for batch in file.iter_batches(_BATCH, row_groups=[group], columns=list(_PLACE)):
        stop = start + batch.num_rows
        table = _chosen(place, batch, wanted[start:stop], rest[start:stop], selection)
        count["chosen"] += table.num_rows
        count["left_out"] += pc.sum(table["left_out"]).as_py() or 0
        start = stop
        if table.num_rows:
            yield table


def _decide(table: pa.Table, selection: Selection, count: Counter[str]) -> tuple[Mask, Mask]:
    """Of a row group: the pages that hosts, languages and dates ask for, and all other pages within the dates."""
    status = _values(table["fetch_status"]) == 200
    html = _html(table)
    frame = selection.in_dates(table["fetch_time"]) if selection.dated else np.ones(len(table), dtype=np.bool_)
    asked = frame.copy()
    if selection.suffixes is not None:
        asked &= selection.in_hosts(table["url_host_name"])
    if selection.languages:
        pages = asked & status & html
        count["pages"] += int(pages.sum())
        unknown = matching(table["content_languages"], lambda value: not value.strip()) | _nulls(
            table["content_languages"]
        )
        count["no_language"] += int((pages & unknown).sum())
        asked &= selection.in_languages(table["content_languages"])
    count["other_status"] += int((asked & ~status).sum())
    count["other_mime"] += int((asked & status & ~html).sum())
    pages = frame & status & html
    return pages & asked, pages & ~asked


def _html(table: pa.Table) -> Mask:
    """By the type that was detected; where none was, by the one that the server gave."""
    detected, given = "content_mime_detected", "content_mime_type"
    declared = (
        matching(table[given], lambda value: value.partition(";")[0].strip().lower() in HTML)
        if given in table.column_names
        else np.zeros(len(table), dtype=np.bool_)
    )
    if detected not in table.column_names:
        return declared
    return np.where(_nulls(table[detected]), declared, matching(table[detected], HTML.__contains__))


def _chosen(place: str, batch: pa.RecordBatch, wanted: Mask, rest: Mask, selection: Selection) -> pa.Table:
    """The rows of a batch that are chosen for good: addresses and share looked at, the sample drawn."""
    candidates = wanted | rest if selection.left_out else wanted
    table = pa.Table.from_batches([batch]).filter(pa.array(candidates)).rename_columns(_PLACE)
    wanted = wanted[candidates]
    asked = wanted & selection.in_urls(table["url"])
    if any(table[name].null_count for name in _PLACE.values()):
        raise InputError(
            f"{place}: a page without url, warc_filename, warc_record_offset or warc_record_length; fetch it again"
        )
    sample = ~asked & selection.sampled(file_keys(table["file"]), _values(table["offset"]))
    left_out = sample[asked | sample]
    table = table.filter(pa.array(asked | sample))
    inside = selection.in_share(table["url"])
    table = (
        table.append_column("left_out", pa.array(left_out)).filter(pa.array(inside)).select(CHOSEN.names).cast(CHOSEN)
    )
    table.validate(full=True)  # UTF-8 too: Parquet does not see to it
    return table


def _values(column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """An integer column; null is -1."""
    return np.asarray(column.cast(pa.int64()).fill_null(-1).to_numpy(), dtype=np.int64)


def _nulls(column: pa.ChunkedArray) -> Mask:
    return np.asarray(column.is_null().to_numpy(), dtype=np.bool_)
