"""Meetings out of JSON of the search API of 国会会議録, as an answer of it, an array, or a value a line."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from typing import Any, NamedTuple, Protocol

from stages.base import InputError, SourceFile

MAX_JSON = 64 << 20  # bytes of one value: an answer of the API has 10 meetings or 100 speeches, 20 MB at most
MAX_DEPTH = 3  # of answers in arrays in answers

_BLANK = b" \t\r\n\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"
_MEND = "give JSON of https://kokkai.ndl.go.jp/api.html (recordPacking=json), or a value of it a line"


class Loss(NamedTuple):
    """A value, or a part of the file, that cannot be read."""

    where: str
    error: str


class Line(NamedTuple):
    number: int  # from 1
    data: bytes


class Readable(Protocol):
    def readline(self, size: int, /) -> bytes: ...


@dataclass(slots=True)
class Meeting:
    about: dict[str, Any]  # issueID, date, nameOfHouse, ...
    speeches: list[dict[str, Any]]
    whole: bool  # of an answer of /api/meeting; else speeches that a search found
    number: int  # from 0: in the file
    where: str


def meetings(file: SourceFile) -> Iterator[Meeting | Loss]:
    """Each meeting; speeches of one issueID that follow one another, also over lines, are put together.

    InputError when the file holds one value that is broken or something else; a line costs itself.
    """
    place = file.label or file.path
    pending: Meeting | None = None
    number = 0
    for value in _values(file, place):
        for found in [value] if isinstance(value, Loss) else _meetings(*value):
            if isinstance(found, Loss):
                yield found
            elif pending and not pending.whole and not found.whole and _issue(pending) == _issue(found):
                pending.speeches += found.speeches
            else:
                if pending:
                    yield pending
                found.number, number = number, number + 1
                pending = found
    if pending:
        yield pending


def _issue(meeting: Meeting) -> Any:
    return meeting.about.get("issueID")


def _meetings(value: Any, where: str, depth: int = 0) -> Iterator[Meeting | Loss]:
    """The meetings in a value: an answer, a meeting, a speech, or an array of them."""
    items = value if isinstance(value, list) else [value]
    speeches: dict[str, Meeting] = {}  # by issueID, in the order of their first
    for at, item in enumerate(items):
        here = f"{where}, item {at + 1}" if isinstance(value, list) else where
        if error := _fault(item, depth):
            yield Loss(here, error)
        elif isinstance(item.get("meetingRecord"), list):
            yield from _meetings(item["meetingRecord"], here, depth + 1)
        elif isinstance(item.get("speechRecord"), list) and "issueID" in item:
            found = [speech for speech in item["speechRecord"] if isinstance(speech, dict)]
            yield Meeting(item, found, True, 0, here)
        elif isinstance(item.get("speechRecord"), list):
            yield from _meetings(item["speechRecord"], here, depth + 1)
        elif "speech" in item:
            _add(speeches, item, here)
    yield from speeches.values()


def _fault(item: Any, depth: int = 0) -> str:
    """Why it is neither an answer, a meeting nor a speech; '' for what is one, if only an answer that found nothing."""
    if not isinstance(item, dict):
        return f"no JSON object but {type(item).__name__}"
    if any(isinstance(item.get(key), list) for key in ("meetingRecord", "speechRecord")):
        return "" if depth <= MAX_DEPTH else f"answers nested over {MAX_DEPTH} deep"
    if "speech" in item:
        return "" if isinstance(item.get("issueID"), str) else "a speech without an issueID"
    if item.get("numberOfRecords") == 0:
        return ""
    said = " ".join(str(item.get("message", "neither a meeting nor a speech")).split())[:200]
    return f"{said} (its keys: {', '.join(sorted(item)[:8])[:200]})"


def _add(speeches: dict[str, Meeting], speech: dict[str, Any], where: str) -> None:
    found = speeches.setdefault(speech["issueID"], Meeting(speech, [], False, 0, where))
    found.speeches.append(speech)


def _values(file: SourceFile, place: str) -> Iterator[tuple[Any, str] | Loss]:
    """The JSON values of a file, each with its place: those of the lines, or the one that the whole file is."""
    try:
        opened = open(file.path, "rb")  # noqa: SIM115 - what is done with it must not run under this `except`
    except OSError as error:
        raise InputError(f"{place}: {error.strerror}: {_MEND}") from error
    with opened:
        packed = opened.read(2) == _GZIP
        opened.seek(0)
        lines = _lines(gzip.GzipFile(fileobj=opened) if packed else opened)
        first = list(islice(lines, 2))
        if _is_jsonl(first):
            yield from _of_lines(chain(first, lines), file)
        else:
            yield _of_all(chain(first, lines), file, place), "answer"


def _lines(stream: Readable) -> Iterator[Line | Loss]:
    """Lines that are not empty; a last Loss where a gzip file is damaged."""
    number = 0
    try:
        while data := stream.readline(MAX_JSON + 1):
            number += 1
            if len(data) > MAX_JSON:
                yield Loss(f"line {number}", f"over {MAX_JSON >> 20} MiB long")
                while data and not data.endswith(b"\n"):
                    data = stream.readline(MAX_JSON)
            elif data.strip(_BLANK):
                yield Line(number, data)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        yield Loss(f"after line {number}", f"damaged gzip data: {error}")


def _is_jsonl(first: Sequence[Line | Loss]) -> bool:
    """Of two lines one is an object of its own: so is no line of one object or array that is printed over several."""
    if len(first) < 2 or not isinstance(first[0], Line) or first[0].data.strip(_BLANK) == b"[":
        return False
    return any(isinstance(line, Line) and not isinstance(_parsed(line.data), str) for line in first)


def _of_lines(lines: Iterable[Line | Loss], file: SourceFile) -> Iterator[tuple[Any, str] | Loss]:
    for line, behind in pairwise(chain(lines, (None,))):
        if isinstance(line, Loss):
            if not (file.head and behind is None):  # else it is no damage but the end of what was fetched
                yield line
        elif line is not None:
            found = _parsed(line.data)
            if not isinstance(found, str):
                yield found, f"line {line.number}"
            elif not (file.head and (behind is None or isinstance(behind, Loss))):
                yield Loss(f"line {line.number}", found)


def _of_all(lines: Iterable[Line | Loss], file: SourceFile, place: str) -> Any:
    parts: list[bytes] = []
    size = 0
    for line in lines:
        if isinstance(line, Loss):
            raise InputError(f"{place}: {line.where}: {line.error}: {_MEND}")
        size += len(line.data)
        if size > MAX_JSON:
            raise InputError(f"{place}: over {MAX_JSON >> 20} MiB in one value: write a meeting a line, with `jq -c`")
        parts.append(line.data)
    if not parts:
        raise InputError(f"{place}: the file is empty: {_MEND}")
    if isinstance(found := _parsed(b"".join(parts)), str):
        cut = "only its beginning was fetched, give a local copy: " if file.head else ""
        raise InputError(f"{place}: {cut}{found}: {_MEND}")
    if isinstance(found, dict) and (error := _fault(found)):
        raise InputError(f"{place}: {error}: {_MEND}")
    return found


def _parsed(data: bytes) -> dict[str, Any] | list[Any] | str:
    """The object or array; else what is wrong, in one line."""
    try:
        value = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        return f"invalid UTF-8 at byte {error.start}"
    except json.JSONDecodeError as error:
        return f"broken JSON: {error.msg} at line {error.lineno} column {error.colno}"
    except RecursionError:
        return "broken JSON: values nested too deep"
    except ValueError as error:  # a number of thousands of digits
        return f"broken JSON: {error}"
    return value if isinstance(value, dict | list) else f"no JSON object but {type(value).__name__}"
