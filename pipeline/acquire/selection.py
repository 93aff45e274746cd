"""Which records of a crawl are wanted: by host, language, date, address and share. Decided row by row, on Arrow arrays.

Dates and share are the *frame*: what lies outside is of no interest. Inside the frame hosts, TLDs, languages and
addresses decide; of the pages they leave out, one in `left_out` may be taken along to measure what they miss.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.acquire.suffixes import HostSuffixes

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Selection:
    """What `[source.index]` asks for. ValueError, in one line, for a value that cannot be meant."""

    hosts: tuple[str, ...] = ()  # suffixes on label boundaries: example.jp holds www.example.jp, not notexample.jp
    tlds: tuple[str, ...] = ()  # the same with one label or more: jp, co.jp
    languages: tuple[str, ...] = ()  # ISO 639-3 codes; a page counts if any of those found on it is wanted
    since: str = ""  # ISO 8601 date or time, UTC unless it says otherwise; included
    until: str = ""  # excluded
    urls: str = ""  # RE2 expression, searched anywhere in the URL: linear in its length
    share: float = 1.0  # of all URLs, by their hash: the same ones in every crawl, and .1 is part of .2
    left_out: int = 0  # one in so many of the pages left out is taken along and marked; 0: none
    density: float | None = field(default=None)  # advice only: from which share of the bytes on whole WARCs are better

    def __post_init__(self) -> None:
        for key in ("hosts", "tlds", "languages"):
            if isinstance(getattr(self, key), str):
                raise ValueError(f"{key} = {getattr(self, key)!r}: give a list, e.g. [{getattr(self, key)!r}]")
        _ = self.suffixes
        for code in self.languages:
            if not (len(code) == 3 and code.isascii() and code.isalpha() and code.islower()):
                raise ValueError(
                    f"languages: {code!r} is not an ISO 639-3 code: three small letters, e.g. 'jpn', not 'ja'"
                )
        first, end = (instant(time) if time else None for time in (self.since, self.until))
        if first and end and first >= end:
            raise ValueError(f"since = {self.since!r} is not before until = {self.until!r}: nothing lies between them")
        try:
            pc.match_substring_regex(pa.array([""]), self.urls)
        except pa.ArrowInvalid as error:
            raise ValueError(f"urls = {self.urls!r}: not an RE2 expression: {_one_line(error)}") from None
        if not 0 < self.share <= 1:
            raise ValueError(f"share = {self.share}: give a number over 0 and up to 1")
        if self.left_out < 0:
            raise ValueError(f"left_out = {self.left_out}: give N for one record in N, or 0 for none")
        if self.density is not None and not 0 < self.density <= 1:
            raise ValueError(f"density = {self.density}: give a number over 0 and up to 1")

    def identity(self) -> dict[str, Any]:
        """All that decides which records are chosen, as JSON values: one value for one meaning."""
        return {
            "hosts": sorted(self.suffixes.names) if self.suffixes else [],
            "languages": sorted(set(self.languages)),
            "since": instant(self.since).isoformat() if self.since else "",
            "until": instant(self.until).isoformat() if self.until else "",
            "urls": self.urls,
            "share": self.share,
            "left_out": self.left_out,
        }

    @cached_property
    def suffixes(self) -> HostSuffixes | None:
        """The wanted hosts; None where every host is."""
        return HostSuffixes((*self.hosts, *self.tlds)) if self.hosts or self.tlds else None

    @property
    def dated(self) -> bool:
        return bool(self.since or self.until)

    def in_dates(self, times: pa.ChunkedArray) -> Mask:
        """Whether each fetch time lies in [since, until); a time that is missing does not."""
        inside = np.ones(len(times), dtype=np.bool_)
        if self.since:
            inside &= _mask(pc.greater_equal(times, _scalar(self.since, times.type)))
        if self.until:
            inside &= _mask(pc.less(times, _scalar(self.until, times.type)))
        return inside

    def in_languages(self, languages: pa.ChunkedArray) -> Mask:
        wanted = frozenset(self.languages)
        return matching(languages, lambda value: not wanted.isdisjoint(value.split(",")))

    def in_hosts(self, names: pa.ChunkedArray) -> Mask:
        if self.suffixes is None:
            return np.ones(len(names), dtype=np.bool_)
        return matching(names, self.suffixes.holds)

    def in_urls(self, urls: pa.Array) -> Mask:
        return _mask(pc.match_substring_regex(urls, self.urls)) if self.urls else np.ones(len(urls), dtype=np.bool_)

    def in_share(self, urls: pa.Array) -> Mask:
        """Whether BLAKE2b-64 of the URL, as a fraction of 2^64, lies under the share. URLs: no nulls."""
        if self.share >= 1:
            return np.ones(len(urls), dtype=np.bool_)
        digests = b"".join(
            hashlib.blake2b(url, digest_size=8, person=b"share").digest() for url in urls.cast(pa.binary()).to_pylist()
        )
        inside: Mask = np.frombuffer(digests, dtype=">u8") < np.uint64(int(self.share * 2**64))
        return inside

    def sampled(self, files: npt.NDArray[np.uint64], offsets: npt.NDArray[np.int64]) -> Mask:
        """One record in `left_out`: by a hash of its WARC (`file_keys`) and its offset, so by nothing about the page."""
        if not self.left_out:
            return np.zeros(len(offsets), dtype=np.bool_)
        drawn: Mask = _splitmix64(files ^ _splitmix64(offsets.astype(np.uint64))) % np.uint64(self.left_out) == 0
        return drawn


def matching(column: pa.ChunkedArray, wanted: Callable[[str], bool]) -> Mask:
    """Where `wanted` holds; false where the value is null. It is asked once for each different value of a chunk."""
    masks = [np.zeros(0, dtype=np.bool_)]
    for chunk in column.chunks:
        coded = chunk if pa.types.is_dictionary(chunk.type) else chunk.dictionary_encode()
        values = (value.decode("utf-8", "replace") for value in coded.dictionary.cast(pa.binary()).to_pylist())
        # The last place answers for null.
        answers = np.array([*map(wanted, values), False], dtype=np.bool_)
        masks.append(answers[coded.indices.fill_null(len(answers) - 1).to_numpy(zero_copy_only=False)])
    return np.concatenate(masks)


def file_keys(names: pa.ChunkedArray) -> npt.NDArray[np.uint64]:
    """The first 64 bits of the sha256 of each WARC's name: what records are sampled and put together by. No nulls."""
    coded = names.combine_chunks()
    coded = coded if pa.types.is_dictionary(coded.type) else coded.dictionary_encode()
    digests = b"".join(hashlib.sha256(name).digest()[:8] for name in coded.dictionary.cast(pa.binary()).to_pylist())
    keys: npt.NDArray[np.uint64] = np.frombuffer(digests, dtype=">u8").astype(np.uint64)[coded.indices.to_numpy()]
    return keys


def instant(text: str) -> datetime:
    """An ISO 8601 date or time, as UTC. ValueError names it."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a date or time: write 2024-12-01 or 2024-12-01T06:00:00Z") from None
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def _scalar(text: str, like: pa.DataType) -> pa.Scalar:
    """The instant in the unit of a column; tables write UTC whether they say so or not."""
    time = instant(text)
    return pa.scalar(time if like.tz else time.replace(tzinfo=None), type=pa.timestamp("us", tz=like.tz))


def _mask(values: pa.ChunkedArray | pa.Array) -> Mask:
    return np.asarray(pc.fill_null(values, False).to_numpy(zero_copy_only=False), dtype=np.bool_)


def _splitmix64(x: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every bit of the input moves every bit of the output."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
