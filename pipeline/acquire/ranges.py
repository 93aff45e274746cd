"""From a part (chosen records of some WARCs) to one WARC file that holds just these records, by ranges of bytes.

Gzip members are copied as they are, so the file is a WARC that any reader reads, and `Spans` leads from a place in it
back to the place in the crawl. What the index says is not believed but looked at: bytes that are no response record are
not copied, and `Spans.broken` tells of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import groupby, islice
from pathlib import Path
from typing import NamedTuple

from pipeline.acquire.index import CHOSEN
from pipeline.acquire.listing import place
from pipeline.acquire.member import BrokenRecordError, as_member
from pipeline.acquire.remote import read as read_remote
from pipeline.acquire.transfer import Network
from pipeline.acquire.turns import Turns
from stages.base import InputError
from stages.fetched import Broken, Spans, Wanted
from stages.parquet import open_checked

# Bytes between two records that are fetched along rather than left out: they take as long as the round trip that they
# spare, at 20 ms and 100 Mbit/s a connection; Common Crawl asks for few requests rather than for few bytes.
GAP = 1 << 18
MOST = 32 << 20  # bytes of a range, unless one record is larger: what is held in memory, and lost when a worker dies
MAX_RECORD = 64 << 20  # bytes; Common Crawl cuts pages at 5 MiB, so a longer record is a fault of the index

Read = Callable[[str, int, int], bytes]  # (WARC, first byte, how many) -> exactly these; InputError where they are not


class Range(NamedTuple):
    """Bytes [start, end) of a WARC: records `first` to `last`, exclusive, of those that it was made from."""

    start: int
    end: int
    first: int
    last: int


def coalesce(offsets: Sequence[int], lengths: Sequence[int], gap: int = GAP, most: int = MOST) -> Iterator[Range]:
    """Ranges over the records of one WARC, in ascending order of offset; each record lies whole in one range.

    Records no more than `gap` bytes apart share a range as long as that is no longer than `most`.
    """
    if not offsets:
        return
    start, end, first = offsets[0], offsets[0] + lengths[0], 0
    for i, (offset, length) in enumerate(zip(offsets, lengths, strict=True)):
        stop = max(end, offset + length)
        if offset - end > gap or stop - start > most:
            if i > first:
                yield Range(start, end, first, i)
            start, stop, first = offset, offset + length, i
        end = stop
    yield Range(start, end, first, len(offsets))


def reader(net: Network, turns: Turns) -> Read:
    """Reads by the names that an index gives, which are relative to the base of the crawl."""
    return lambda file, start, length: read_remote(place(file, net.base), start, length, net, turns)


def fetch_part(part: str | Path, to: Path, read: Read, *, at_once: int = 8, gap: int = GAP, most: int = MOST) -> Spans:
    """Write the records of a part to `to`, a .warc.gz file, in the order of the part; empty if none is whole.

    `read` is called from up to `at_once` threads; so many ranges are in memory. Raises what `read` raises, but for an
    InputError about places in a WARC that can be read elsewhere: their records are `Spans.broken`.
    """
    with open_checked(str(part)) as file:
        records = [Wanted(*row.values()) for row in file.read(CHOSEN.names).to_pylist()]
    copied, broken = [], [Broken(record, _NOT_SANE) for record in records if not _is_sane(record)]
    with to.open("wb") as out, ThreadPoolExecutor(at_once) as pool:
        jobs = (pool.submit(_fetch, batch, read) for batch in _batches(filter(_is_sane, records), gap, most))
        try:
            for record, data in _in_order(jobs, at_once):
                if isinstance(data, bytes):
                    copied.append((record, out.tell()))
                    out.write(data)
                else:
                    broken.append(Broken(record, data))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # what is still waiting would only ask on in vain
            raise
    return Spans(copied, sorted(broken))


_NOT_SANE = f"the index gives it a negative offset, or a length that is not within 1 to {MAX_RECORD} bytes"
_Fetched = list[tuple[Wanted, bytes | str]]


def _is_sane(record: Wanted) -> bool:
    return record.offset >= 0 and 0 < record.length <= MAX_RECORD


def _in_order(jobs: Iterator[Future[_Fetched]], at_once: int) -> Iterator[tuple[Wanted, bytes | str]]:
    """The results of jobs as they were begun, with `at_once` of them under way."""
    waiting = deque(islice(jobs, at_once))
    while waiting:
        yield from waiting.popleft().result()
        waiting.extend(islice(jobs, 1))


def _batches(records: Iterable[Wanted], gap: int, most: int) -> Iterator[list[Wanted]]:
    """The records of one range after the other."""
    for _, group in groupby(records, key=lambda record: record.file):
        batch = list(group)
        offsets, lengths = [record.offset for record in batch], [record.length for record in batch]
        for found in coalesce(offsets, lengths, gap, most):
            yield batch[found.first : found.last]


def _fetch(batch: list[Wanted], read: Read) -> _Fetched:
    """For each record its gzip member, or what is wrong with it."""
    file, start, end = batch[0].file, batch[0].offset, max(record.offset + record.length for record in batch)
    try:
        data = read(file, start, end - start)
    except InputError as error:
        # Raises where not these bytes are at fault but all: the file is gone, the server sends no ranges.
        read(file, 0, 1)
        if len(batch) == 1:
            return [(batch[0], str(error))]
        return [item for record in batch for item in _fetch([record], read)]
    return [(record, _member(data[record.offset - start :][: record.length])) for record in batch]


def _member(data: bytes) -> bytes | str:
    try:
        return as_member(data)
    except BrokenRecordError as error:
        return str(error)
