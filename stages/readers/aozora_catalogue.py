"""The catalogue of 青空文庫: which works are free, and where each has its card.

Read is list_person_all_extended_utf8.csv, plain or in its zip (or the same table in Shift_JIS): one row for each work and
person, the author as well as the translator.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from stages.errors import InputError
from stages.readers.tables import date_of
from stages.readers.zipped import Member, is_zip, members

MAX_CATALOGUE = 256 << 20  # bytes; it has 20 MB

_FLAGS = ("作品著作権フラグ", "人物著作権フラグ")
_COLUMNS = ("作品ID", *_FLAGS, "公開日", "図書カードURL", "テキストファイルURL")
_MEND = "give list_person_all_extended_utf8.csv or its zip"
_NUMBERED = re.compile(r"0*(\d{1,9})_(?:ruby|txt)(?:_\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Entry:
    """A work. `protected`: somebody has a copyright in it, or the catalogue does not clearly say that nobody has."""

    work: str  # 作品ID without leading zeros
    card: str  # URL
    date: str  # it was published on, RFC 3339
    protected: bool


class Catalogue:
    """Works by the name of their text file, and by the 作品ID that such a name begins with."""

    def __init__(self, path: str) -> None:
        """Raises InputError for a file that is not the catalogue."""
        self._by_file: dict[str, str] = {}
        self._works: dict[str, Entry] = {}
        for row in _rows(path):
            work = row["作品ID"].strip().lstrip("0")
            before = self._works.get(work)
            self._works[work] = Entry(
                work,
                row["図書カードURL"].strip(),
                date_of(row["公開日"]),
                any(row[flag].strip() != "なし" for flag in _FLAGS) or (before is not None and before.protected),
            )
            if name := _stem(row["テキストファイルURL"].strip()):
                self._by_file[name] = work if self._by_file.get(name, work) == work else ""

    def find(self, name: str) -> Entry | None:
        """The work whose text is in a file of this name: 773_ruby_5968.zip, or the .txt unpacked from it.

        By the last part of テキストファイルURL, else (a revised file has a new number behind) by the 作品ID that the names
        of the site begin with. A name that two works have, on servers of their own, finds neither.
        """
        stem = _stem(name)
        numbered = _NUMBERED.fullmatch(stem)
        return self._works.get(self._by_file.get(stem) or (numbered[1] if numbered else ""))


@lru_cache(maxsize=2)
def catalogue(path: str) -> Catalogue:
    """One for each worker: it takes half a second to read."""
    return Catalogue(path)


def digest(path: str) -> str:
    """sha256 (hex) of the file: what a fingerprint has to know of it."""
    return hashlib.sha256(_bytes(path)).hexdigest()


def _stem(address: str) -> str:
    return PurePosixPath(address).name.removesuffix(".zip").removesuffix(".txt")


def _bytes(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"catalogue {path}: {error.strerror}; {_MEND}") from error


def _rows(path: str) -> Iterator[Mapping[str, str]]:
    text = _text(_unzipped(_bytes(path), path))
    try:
        table = csv.DictReader(io.StringIO(text, newline=""), restval="")
        if missing := [name for name in _COLUMNS if name not in (table.fieldnames or ())]:
            raise InputError(f"catalogue {path}: no column {missing[0]!r}; {_MEND}")
        yield from table
    except csv.Error as error:
        raise InputError(f"catalogue {path}: broken CSV ({error}); {_MEND}") from error


def _unzipped(data: bytes, path: str) -> bytes:
    if not is_zip(io.BytesIO(data)):
        return data
    found = next(
        members(io.BytesIO(data), f"catalogue {path}", lambda name: name.endswith(".csv"), MAX_CATALOGUE), None
    )
    if not isinstance(found, Member):
        why = f"{found.name}: {found.error}" if found else "a zip archive without a .csv"
        raise InputError(f"catalogue {path}: {why}; {_MEND}")
    return found.data


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp932", "replace")  # all that is read of it is ASCII and names of columns and flags
