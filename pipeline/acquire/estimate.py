"""What a selection costs, told from its parts before anything of the crawl is fetched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.acquire.ranges import GAP, MOST, coalesce
from pipeline.acquire.transfer import Network
from stages.hosts import host_of
from stages.parquet import open_checked

# Pages a second of one core, as measured for this pipeline's design on 2.x GHz server cores: Japanese pages through
# extraction, and pages that the gate turns away (all that costs when extraction is free). A mixture with 5 % Japanese
# pages of real size comes to about 700.
JAPANESE_PAGES = 150
FOREIGN_PAGES = 2800
WARC_BYTES = 1_100_000_000  # of a WARC of Common Crawl, where the records themselves do not tell
DENSITY = 0.3  # share of the bytes from which on whole WARCs are recommended
TOP = 10  # hosts

_ENOUGH = 8  # records of a WARC whose last one tells how long it is: within 1/8 on average
_HOSTS_HELD = 1 << 20  # counts of single parts held before they are added up


@dataclass(frozen=True)
class Estimate:
    """Of fetching the records by ranges; the fields `whole_*` of reading the same WARCs from end to end instead."""

    records: int  # that the selection asks for
    left_out: int  # records of the sample of what it leaves out
    bytes: int  # of all these records, compressed
    fetched_bytes: int  # with the gaps inside ranges
    requests: int
    request_hours: float  # at the allowed rate of requests
    core_hours: float
    warcs: int
    whole_bytes: int
    whole_core_hours: float
    hosts: tuple[tuple[str, int], ...]  # with the most records of the selection
    threshold: float  # the density from which on whole WARCs are recommended

    @property
    def density(self) -> float:
        """Share of the wanted records in the bytes of the WARCs that they lie in."""
        return min(1.0, self.bytes / self.whole_bytes) if self.whole_bytes else 0.0

    @property
    def advice(self) -> str:
        """One sentence; empty where ranges are the right way."""
        if self.density < self.threshold:
            return ""
        return (
            f"read whole WARCs: the records are {self.density:.0%} of the bytes of their {self.warcs:,} WARCs "
            f"(from {self.threshold:.0%} on ranges do not pay): {gigabytes(self.whole_bytes)}, {self.warcs:,} requests "
            f"and {self.whole_core_hours:,.1f} core-hours instead of {gigabytes(self.fetched_bytes)}, "
            f"{self.requests:,} requests and {self.core_hours:,.1f} core-hours"
        )

    def lines(self) -> list[str]:
        """For people."""
        hosts = ", ".join(f"{host} {records:,}" for host, records in self.hosts)
        sample = f" and {self.left_out:,} of those left out" if self.left_out else ""
        return [
            f"records     {self.records:,}{sample}, in {self.warcs:,} WARCs",
            f"to fetch    {gigabytes(self.fetched_bytes)} for {gigabytes(self.bytes)} of records",
            f"requests    {self.requests:,}, at least {self.request_hours:,.1f} h at the allowed rate",
            f"core-hours  {self.core_hours:,.1f}",
            f"density     {self.density:.1%} of the bytes of these WARCs",
            *([f"hosts       {hosts}"] if hosts else []),
            *([f"advice      {self.advice}"] if self.advice else []),
        ]


def estimate(
    parts: Sequence[Path], *, density: float | None = None, net: Network | None = None, gap: int = GAP, most: int = MOST
) -> Estimate:
    """Read the parts, one at a time. `density`: from which share of the bytes on whole WARCs are recommended."""
    total, hosts = _Sum(), _Hosts()
    for part in parts:
        with open_checked(str(part)) as file:
            table = file.read()
        total.add(table, gap, most)
        hosts.add(table.filter(pc.invert(table["left_out"]))["url"])
    whole_bytes = total.whole_bytes()
    pages = whole_bytes * (total.records + total.left_out) / max(1, total.bytes)
    rate = (net or Network()).requests_per_second
    return Estimate(
        records=total.records,
        left_out=total.left_out,
        bytes=total.bytes,
        fetched_bytes=total.fetched,
        requests=total.requests,
        request_hours=total.requests / rate / 3600,
        core_hours=_core_hours(total.records, total.left_out),
        warcs=total.warcs,
        whole_bytes=whole_bytes,
        whole_core_hours=_core_hours(total.records, max(0.0, pages - total.records)),
        hosts=hosts.top(),
        threshold=DENSITY if density is None else density,
    )


def gigabytes(count: int) -> str:
    return f"{count / 1e9:,.2f} GB" if count >= 10_000_000 else f"{count / 1e6:,.2f} MB"


def _core_hours(japanese: float, foreign: float) -> float:
    return (japanese / JAPANESE_PAGES + foreign / FOREIGN_PAGES) / 3600


class _Sum:
    """Sums over parts; no two parts share a WARC."""

    def __init__(self) -> None:
        self.records = self.left_out = self.bytes = self.fetched = self.requests = self.warcs = 0
        self._told: list[float] = []  # bytes of WARCs, as their records tell
        self._ends: list[int] = []  # of the last record in each of the other WARCs

    def add(self, table: pa.Table, gap: int, most: int) -> None:
        left_out = pc.sum(table["left_out"]).as_py() or 0
        self.left_out += left_out
        self.records += len(table) - left_out
        offsets, lengths = table["offset"].to_pylist(), table["length"].to_pylist()
        self.bytes += sum(lengths)
        for first, last in pairwise(_borders(table["file"])):
            ranges = list(coalesce(offsets[first:last], lengths[first:last], gap, most))
            self.warcs += 1
            self.requests += len(ranges)
            self.fetched += sum(found.end - found.start for found in ranges)
            count, end = last - first, ranges[-1].end
            if count >= _ENOUGH:
                # Of n places spread evenly over a file the last lies at n / (n + 1) of it.
                self._told.append(end * (count + 1) / count)
            else:
                self._ends.append(end)

    def whole_bytes(self) -> int:
        """Of all WARCs: those with too few records to tell are as long as the others, or as Common Crawl's."""
        usual = sum(self._told) / len(self._told) if self._told else WARC_BYTES
        return round(sum(self._told) + sum(max(usual, end) for end in self._ends))


def _borders(files: pa.ChunkedArray) -> list[int]:
    """Where the records of each WARC begin, and where the last ones end. The column is sorted."""
    codes = files.combine_chunks().dictionary_encode().indices.to_numpy()
    return [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(codes)] if len(codes) else []


class _Hosts:
    """Records a host. Memory: a row for each (a crawl has some two million Japanese ones: 100 MB)."""

    def __init__(self) -> None:
        self._counts = _counted(pa.table({"host": pa.array([], pa.string()), "n": pa.array([], pa.int64())}))
        self._waiting: list[pa.Table] = []

    def add(self, urls: pa.ChunkedArray) -> None:
        # Scheme, host and port stand for the host until the end: a URL is parsed once a host, not once a page.
        origins = pc.struct_field(pc.extract_regex(urls, "^(?P<origin>[^:/?#]*://[^/?#]*)"), "origin")
        self._waiting.append(_counted(pa.table({"host": origins, "n": pa.repeat(1, len(origins))})))
        if sum(map(len, self._waiting)) > max(_HOSTS_HELD, len(self._counts)):
            self._merge()

    def _merge(self) -> None:
        self._counts, self._waiting = _counted(pa.concat_tables([self._counts, *self._waiting])), []

    def top(self) -> tuple[tuple[str, int], ...]:
        self._merge()
        hosts = pa.array([host_of(origin or "") for origin in self._counts["host"].to_pylist()], pa.string())
        counts = _counted(self._counts.set_column(0, "host", hosts))
        ordered = counts.sort_by([("n", "descending"), ("host", "ascending")]).slice(0, TOP)
        return tuple(zip(ordered["host"].to_pylist(), ordered["n"].to_pylist(), strict=True))


def _counted(table: pa.Table) -> pa.Table:
    """Columns `host` and `n`, each host once."""
    summed = table.group_by("host").aggregate([("n", "sum")])
    return summed.rename_columns({"n_sum": "n"}).select(["host", "n"])
