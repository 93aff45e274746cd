"""The `extract` stage for laws of e-Gov 法令検索: XML, or an archive of it -> one document row a law.

Licence: laws, cabinet orders, ordinances and public notices have no copyright (著作権法 第十三条), which `LICENSE` says.
What e-Gov adds (its database, notes of its own) comes under the 公共データ利用規約 (PDL1.0), which is compatible with
CC BY 4.0 and asks that the source be named: write e-Gov into `attribution` of the recipe. No legal advice.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import pyarrow as pa
from lxml import etree

from stages.base import MAIN, InputError, Inputs, Sink, SourceFile, Stage, document_id
from stages.caps import Caps, within
from stages.documents import DOCUMENTS, PASSED, document
from stages.hosts import host_of
from stages.readers.egov_law import LawError, law, parse
from stages.readers.output import Output, sampled
from stages.readers.tables import date_of
from stages.readers.zipped import Member, Unreadable, is_zip, members

LICENSE = "LicenseRef-JP-Law-Art13"
URL = "https://laws.e-gov.go.jp/law/"
MAX_XML = 128 << 20  # bytes of a law; the largest have 20 MB

_LAW_ID = "[1-5][0-9]{2}[0-9A-Z]{12}"  # era, year, kind and number: 129AC0000000089
_REVISION = re.compile(rf"(?<![0-9A-Za-z])({_LAW_ID})(?:_([0-9]{{8}})_([0-9A-Z]{{15}}))?(?![0-9A-Za-z])")
_MEND = "give XML of laws.e-gov.go.jp, or the .zip of its bulk download"


class Identity(NamedTuple):
    """What e-Gov calls a law, and this state of it."""

    law: str  # 法令ID, '' when it is not known
    revision: str  # 法令履歴ID: the law's, the day it came into force, and that of the law that amended it
    date: str  # that day, RFC 3339


@dataclass(frozen=True)
class ExtractEgov(Stage):
    """Laws as documents: a bare <Law>, an answer of the API (version 1 or 2, as XML), or a .zip of such files.

    Its ids a law has from the answer of the API, else from the NAME of its file, as the bulk download gives it
    (129AC0000000089_20230401_505AC0000000053.xml). Document id: the id of the revision, else title, number and sha256.
    Date: when the revision came into force. `record`: the id of the revision, or of the law.
    """

    supplementary: bool = True  # with the 附則: transitional rules of each amendment, much alike in all laws
    max_characters: int = Caps.characters  # of a text; a longer one is rejected
    sample: int = 0  # when > 0: only this many laws, chosen by id from the head of an archive

    name: ClassVar[str] = "extract"
    version: ClassVar[int] = 2
    needs_all: ClassVar[bool] = True
    by_name: ClassVar[bool] = True
    libraries: ClassVar[tuple[str, ...]] = ("lxml",)

    def __post_init__(self) -> None:
        if self.sample < 0:
            raise ValueError(f"sample = {self.sample}: give a number of laws, or 0 for the whole file")

    def outputs(self, inputs: Inputs) -> dict[str, pa.Schema]:
        return {MAIN: DOCUMENTS, "passed": PASSED}

    def run(self, inputs: Inputs, sink: Sink) -> None:
        file = inputs.file
        if file is None:
            raise InputError("extract: no file of laws was given; name one in the source of the recipe")
        output, rows = Output(sink), self._rows(file)
        for row in sampled(rows, self.sample, _sample_id) if self.sample else rows:
            if isinstance(row, Unreadable):
                output.lose(f"{file.name}: {row.name}", row.error, "damage")
            else:
                output.keep(row)
        output.flush()

    def _rows(self, file: SourceFile) -> Iterator[dict[str, Any] | Unreadable]:
        seen: set[bytes] = set()
        for found in _files(file):
            row = found if isinstance(found, Unreadable) else self._row(found, file)
            if isinstance(row, Unreadable):
                yield row
                continue
            if row["id"] in seen:  # the same law again, in another folder
                row["id"] = document_id("egov", row["id"].hex(), row["offset"])
            seen.add(row["id"])
            yield row

    def _row(self, found: Member, file: SourceFile) -> dict[str, Any] | Unreadable:
        try:
            root = parse(found.data)
            read = law(root, supplementary=self.supplementary)
        except LawError as error:
            if found.name == "":
                raise InputError(f"{file.label or file.path}: {error}: {_MEND}") from None
            return Unreadable(found.name, str(error), found.offset)
        known = _identity(root, found.name.rpartition("/")[2] or file.name)
        natural = (known.revision,) if known.revision else (read.title, read.number, _sha256(found.data))
        url = URL + known.law if known.law else ""
        text, reason = within(read.text, self.max_characters, "" if read.text else "extract.empty")
        return document(
            id=document_id("egov", *natural),
            url=url,
            host=host_of(url),
            title=read.title,
            date=known.date,
            text=text,
            reason=reason,
            record=known.revision or known.law or read.number,
            file=found.name,
            origin=file.sha256[:16],
            offset=found.offset,
            length=len(found.data),
            mime="application/xml",
            charset=(root.getroottree().docinfo.encoding or "utf-8").lower(),
            charset_by="declared",
            declared_language="ja",
            license=LICENSE,
            private=sum("\ue000" <= character <= "\uf8ff" for character in text),
        )


def _identity(root: etree._Element, name: str) -> Identity:
    said = (root.findtext(".//revision_info/law_revision_id"), root.findtext(".//law_info/law_id"))
    for written in (*said, root.findtext("ApplData/LawId"), name):
        if found := _REVISION.search(written or ""):
            id, day, _ = found.groups()
            date = date_of(f"{day[:4]}-{day[4:6]}-{day[6:]}") if day else ""
            return Identity(id, found[0] if day else "", date)
    return Identity("", "", "")


def _files(file: SourceFile) -> Iterator[Member | Unreadable]:
    """The XML files in a file; one that is not in an archive has no name. InputError when there is none."""
    place = file.label or file.path
    try:
        opened = open(file.path, "rb")  # noqa: SIM115 - what is done with it must not run under this `except`
    except OSError as error:
        raise InputError(f"{place}: {error.strerror}: {_MEND}") from error
    with opened:
        if not is_zip(opened):
            data = opened.read(MAX_XML + 1)
            if len(data) > MAX_XML:
                raise InputError(f"{place}: over {MAX_XML >> 20} MiB: no single law: {_MEND}")
            yield Member("", data, 0)
            return
        if file.head:
            raise InputError(
                f"{place}: only its beginning was fetched, and a zip is read from its end: give a local copy"
            )
        empty = True
        for found in members(opened, place, lambda name: name.lower().endswith(".xml"), MAX_XML):
            empty = False
            yield found
        if empty:
            raise InputError(f"{place}: a zip archive without an .xml: {_MEND}")


def _sample_id(row: dict[str, Any] | Unreadable) -> bytes | None:
    return b"" if isinstance(row, Unreadable) else bytes(row["id"])


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
