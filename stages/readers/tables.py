"""Documents from tables of texts: what the readers of JSONL and Parquet share, so that both give the same rows.

A reader finds the cells of each row; what they mean (ids, dates, line breaks) is decided here, once.
"""

from __future__ import annotations

import difflib
import math
import re
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pyarrow as pa

from stages.base import MAIN, InputError, Inputs, Sink, SourceFile, Stage, document_id
from stages.caps import Caps, within
from stages.documents import DOCUMENTS, PASSED, document
from stages.hosts import host_of
from stages.readers.output import Output, sampled

ROLES = ("text", "id", "url", "date", "license", "title")  # what a column can be; its option is called `<role>_column`
MISSING = object()
SHOWN = 30  # names of columns in a message, at most

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# Year first, so that day and month cannot be mistaken for each other; seconds, their fraction and the zone may be missing.
_DATE = re.compile(
    r"\s*(\d{4})(?:-(\d\d)-(\d\d)|/(\d{1,2})/(\d{1,2})|年(\d{1,2})月(\d{1,2})日)"
    r"(?:[Tt ]\s*(\d\d):(\d\d)(?::(\d\d)(?:[.,]\d+)?)?)?\s*(?:(Z|z|UTC|GMT)|([+-])(\d\d):?(\d\d))?\s*",
    re.ASCII,
)
_EPOCH = datetime(1970, 1, 1)
# Seconds since 1970 that are taken for a time: 1990 to 2100. In milli-, micro- and nanoseconds the ranges do not meet.
_EARLIEST, _LATEST = 631_152_000, 4_102_444_800


class Cells(NamedTuple):
    """One row, its cells as JSON has them; None where there is none."""

    number: int  # from 0: the line of a text file, the row of a Parquet file
    text: str | None
    id: Any = None
    url: Any = None
    date: Any = None
    license: Any = None
    title: Any = None


class Loss(NamedTuple):
    """A row, or a damaged stretch of the file, that could not be read."""

    where: str  # place within the file
    error: str


@dataclass(frozen=True)
class ExtractTable(Stage):
    """Rows of a table as documents. A column is a name, or a path into nested ones: 'meta.url'; '' = there is none.

    Document id: that of the row, else its text; and an ordinal where a file has the same one again. It depends on neither
    the form of the table, nor its name, nor the order of different rows. An id is a text or a number, URL, licence and
    title are texts; a cell that holds something else counts as empty. Dates: see `date_of`.
    """

    text_column: str = "text"
    id_column: str = ""
    url_column: str = ""
    date_column: str = ""
    license_column: str = ""
    title_column: str = ""
    max_characters: int = Caps.characters  # of a text; a longer one is rejected
    sample: int = 0  # when > 0: only this many rows, chosen by id from the head of the file

    name: ClassVar[str] = "extract"

    def __post_init__(self) -> None:
        if not self.text_column:
            raise ValueError("text_column = '': name the column that holds the text")
        for role, column in self.columns.items():
            if not all(column.split(".")):
                raise ValueError(f"{role}_column = {column!r}: give a name, or names joined by single dots")
        if self.sample < 0:
            raise ValueError(f"sample = {self.sample}: give a number of rows, or 0 for the whole file")

    @property
    def columns(self) -> dict[str, str]:
        """Role -> column, of the columns that the recipe names."""
        return {role: getattr(self, f"{role}_column") for role in ROLES if getattr(self, f"{role}_column")}

    def outputs(self, inputs: Inputs) -> dict[str, pa.Schema]:
        return {MAIN: DOCUMENTS, "passed": PASSED}

    def run(self, inputs: Inputs, sink: Sink) -> None:
        file = inputs.file
        if file is None:
            raise InputError("extract: no file was given; name one in the source of the recipe")
        output, rows = Output(sink), self._rows(file)
        for row in sampled(rows, self.sample, _sample_id) if self.sample else rows:
            if isinstance(row, Loss):
                output.lose(f"{file.name} {row.where}", row.error, "damage")
            else:
                output.keep(row)
        output.flush()

    @abstractmethod
    def cells(self, file: SourceFile) -> Iterator[Cells | Loss]:
        """The rows of a file in their order. Raises InputError for a file that cannot be used."""

    def _rows(self, file: SourceFile) -> Iterator[dict[str, object] | Loss]:
        ids = _Ids()
        for cells in self.cells(file):
            if isinstance(cells, Loss):
                yield cells
                continue
            text = whole(cells.text or "").replace("\r\n", "\n")
            own, url = _own_id(cells.id), _string(cells.url)
            id = ids.of("id", own) if own else ids.of("text", text)
            text, reason = within(text, self.max_characters, "" if text.strip() else "extract.empty")
            yield document(
                id=id,
                url=url,
                host=host_of(url),
                title=" ".join(_string(cells.title).split()),
                date=date_of(cells.date),
                text=text,
                reason=reason,
                record=own,
                license=_string(cells.license),
                origin=file.sha256[:16],
                offset=cells.number,
                charset="utf-8",
                **unreadable(text),
            )


class _Ids:
    """Document ids that are unique in a file: 0.2 kB a row of memory."""

    def __init__(self) -> None:
        self._uses: dict[bytes, int] = {}

    def of(self, kind: str, key: str) -> bytes:
        first = document_id("table", kind, 0, key)
        ordinal = self._uses.get(first, 0)
        self._uses[first] = ordinal + 1
        return document_id("table", kind, ordinal, key) if ordinal else first


def _sample_id(row: dict[str, Any] | Loss) -> bytes | None:
    """What `sampled` chooses by: None for a row without text."""
    if isinstance(row, Loss):
        return b""
    return None if row["reason"] else bytes(row["id"])


def place_of(file: SourceFile) -> str:
    """What to call the file in a message about all of it."""
    return file.label or file.path


def no_column(place: str, role: str, column: str, where: str, names: Iterable[str]) -> InputError:
    """What to raise when a file does not have a column that the recipe names. `where` it was looked for, `names`: what is there."""
    known = sorted(set(names))
    close = difflib.get_close_matches(column, known, 1, 0.5)
    hint = f"did you mean {close[0]!r}? " if close else ""
    more = f" and {len(known) - SHOWN} more" if len(known) > SHOWN else ""
    return InputError(
        f"{place}: no column {column!r} ({role}_column in the recipe) in {where}; "
        f"{hint}there are: {', '.join(known[:SHOWN]) or 'none'}{more}"
    )


def reach(row: Any, path: Sequence[str], in_null: Any = None) -> Any:
    """The value at the end of a path into nested objects; MISSING where there is none. What is in null is null, as in Parquet."""
    for name in path:
        if row is None:
            return in_null
        row = row.get(name, MISSING) if isinstance(row, dict) else MISSING
    return row


def names_in(row: Mapping[str, Any], before: str = "", levels: int = 3) -> Iterator[str]:
    """Columns of an object, as a recipe has to write them."""
    for name, value in row.items():
        if isinstance(value, dict) and value and levels > 1:
            yield from names_in(value, f"{before}{name}.", levels - 1)
        else:
            yield before + name


def whole(text: str) -> str:
    """Lone surrogates, which JSON can escape but UTF-8 cannot hold, as U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _LONE_SURROGATE.sub("\ufffd", text)
    return text


def unreadable(text: str) -> dict[str, int]:
    """The columns `replaced` and `private` of a text without lone surrogates that somebody else has decoded."""
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)  # a regular expression takes a sixth of all reading
    private = np.count_nonzero(codes - 0xE000 < 0x1900) + np.count_nonzero(codes >= 0xF0000)
    return {"replaced": text.count("\ufffd"), "private": int(private)}


def _string(cell: object) -> str:
    return whole(cell).strip() if isinstance(cell, str) else ""


def _own_id(cell: object) -> str:
    """The id of a row as text; '' for none, and for what is no id (NaN, true, a list)."""
    if isinstance(cell, str):
        return whole(cell)
    if isinstance(cell, bool) or not isinstance(cell, int | float) or not math.isfinite(cell):
        return ""
    return str(cell)


def date_of(cell: object) -> str:
    """RFC 3339 UTC, to the second, for what clearly is a date; '' for all else.

    A text with the year first: 2024-01-02, 2024/1/2, 2024年1月2日, with or without a time of day and a zone; without them
    midnight and UTC. A number: seconds, milli-, micro- or nanoseconds since 1970, between the years 1990 and 2100.
    """
    try:
        if isinstance(cell, str):
            return _written(_DATE.fullmatch(cell[:64]))
        if isinstance(cell, int | float) and not isinstance(cell, bool):
            return _stamped(cell)
    except (ValueError, OverflowError):  # the 30th of February; no number; before the year 1 by its zone
        pass
    return ""


def _written(found: re.Match[str] | None) -> str:
    if found is None:
        return ""
    year, *days, hour, minute, second, _, sign, zone_hours, zone_minutes = found.groups()
    month, day = (int(part) for part in days if part)
    time = datetime(int(year), month, day, int(hour or 0), int(minute or 0), min(int(second or 0), 59))
    if sign:
        ahead = timedelta(hours=int(zone_hours), minutes=int(zone_minutes))
        time += -ahead if sign == "+" else ahead
    return _rfc3339(time)


def _stamped(number: float) -> str:
    for unit in (1, 1000, 1_000_000, 1_000_000_000):
        seconds = math.floor(number / unit) if isinstance(number, float) else number // unit
        if _EARLIEST <= seconds < _LATEST:
            return _rfc3339(_EPOCH + timedelta(seconds=seconds))
    return ""


def _rfc3339(time: datetime) -> str:
    return time.isoformat(timespec="seconds") + "Z"
