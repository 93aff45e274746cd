"""The `extract` stage for 青空文庫: the text of a work, or an archive of works -> one document row a work."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, BinaryIO, ClassVar, NamedTuple

import pyarrow as pa

from stages.base import MAIN, PATH, InputError, Inputs, Sink, SourceFile, Stage, document_id
from stages.caps import Caps, within
from stages.charset.charset import Decoded, Verdict, decode, gate
from stages.documents import DOCUMENTS, PASSED, document
from stages.hosts import host_of
from stages.readers.aozora_catalogue import Entry, catalogue, digest
from stages.readers.aozora_frame import unframed
from stages.readers.aozora_text import resolved
from stages.readers.output import Output, sampled
from stages.readers.zipped import Member, Unreadable, is_zip, members

LICENSE = "LicenseRef-PD-JP"  # the copyright has run out in Japan; elsewhere it may not have
MAX_TEXT = 32 << 20  # bytes of a text; the longest works have 3 MB a file
MAX_REPLACED = 0.05  # of the characters; more, and the file is no Japanese text

_MEND = "give a .txt or .zip of 青空文庫"
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]")


class Text(NamedTuple):
    names: tuple[str, ...]  # what the catalogue may know it by: that of the file it lies in, and its own
    data: bytes
    member: str  # its path in the archive; '' outside of one
    offset: int


@dataclass(frozen=True)
class ExtractAozora(Stage):
    """Works of 青空文庫 as documents: a .txt, a .zip with one (and its pictures), or a .zip of many such files.

    With a `catalogue` (see `stages.readers.aozora_catalogue`) a work is found by the NAME of its file, which must be the one that
    it has on the site: 773_ruby_5968.zip. Left out are works in which there is a copyright, and works that it does not
    list. The others carry the licence `LICENSE`. Without a catalogue every work is taken, and has the licence of the recipe.

    Document id: sha256 of the text file. `record`: 作品ID. Date: of publication on the site. Title: 題名.
    """

    catalogue: str = field(default="", metadata=PATH)
    max_characters: int = Caps.characters  # of a text; a longer one is rejected
    sample: int = 0  # when > 0: only this many works, chosen by id from the head of an archive

    name: ClassVar[str] = "extract"
    version: ClassVar[int] = 2
    needs_all: ClassVar[bool] = True
    by_name: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.sample < 0:
            raise ValueError(f"sample = {self.sample}: give a number of works, or 0 for the whole file")

    def resources(self) -> dict[str, str]:
        return {"catalogue": digest(self.catalogue)} if self.catalogue else {}

    def outputs(self, inputs: Inputs) -> dict[str, pa.Schema]:
        return {MAIN: DOCUMENTS, "passed": PASSED}

    def run(self, inputs: Inputs, sink: Sink) -> None:
        file = inputs.file
        if file is None:
            raise InputError("extract: no file of 青空文庫 was given; name one in the source of the recipe")
        output, texts = Output(sink), _identified(_texts(file))
        for id, text in sampled(texts, self.sample, lambda found: found[0]) if self.sample else texts:
            if isinstance(text, Unreadable):
                output.lose(f"{file.name}: {text.name}", text.error, "damage")
                continue
            decoded = _decoded(text.data)
            if decoded.replaced > MAX_REPLACED * len(decoded.text):
                error = "no Japanese text in Shift_JIS or UTF-8"
                output.lose(f"{file.name} {text.member}".strip(), error, "encoding", id=id)
            else:
                output.keep(self._row(id, text, decoded, file))
        output.flush()

    def _row(self, id: bytes, text: Text, decoded: Decoded, file: SourceFile) -> dict[str, Any]:
        entry = self._entry(text)
        framed = unframed(decoded.text.replace("\r\n", "\n").replace("\r", "\n"))
        reason = self._reason(entry)
        body = "" if reason else resolved(framed.body, ruby=framed.ruby)
        body, reason = within(body, self.max_characters, reason or ("" if body.strip() else "extract.empty"))
        listed = reason not in ("extract.copyright", "extract.not-in-catalogue")
        known = (
            {"url": entry.card, "host": host_of(entry.card), "date": entry.date, "record": entry.work} if entry else {}
        )
        return document(
            id=id,
            title=resolved(framed.title, ruby=framed.ruby),
            text=body,
            reason=reason,
            license=LICENSE if entry and listed else "",
            file=text.member,
            origin=file.sha256[:16],
            offset=text.offset,
            length=len(text.data),
            mime="text/plain",
            charset=decoded.encoding,
            charset_by=decoded.how,
            replaced=decoded.replaced,
            private=len(_PRIVATE.findall(body)),
            declared_language="ja",
            **known,
        )

    def _entry(self, text: Text) -> Entry | None:
        if not self.catalogue:
            return None
        found = map(catalogue(self.catalogue).find, text.names)
        return next((entry for entry in found if entry), None)

    def _reason(self, entry: Entry | None) -> str:
        if not self.catalogue:
            return ""
        if entry is None:
            return "extract.not-in-catalogue"
        return "extract.copyright" if entry.protected else ""


def _identified(texts: Iterator[Text | Unreadable]) -> Iterator[tuple[bytes, Text | Unreadable]]:
    """Each text with its document id, unique in the file; b'' for what cannot be read."""
    uses: dict[bytes, int] = {}
    for text in texts:
        if isinstance(text, Unreadable):
            yield b"", text
            continue
        key = hashlib.sha256(text.data).digest()
        uses[key] = uses.get(key, 0) + 1
        again = (uses[key],) if uses[key] > 1 else ()
        yield document_id("aozora", key.hex(), *again), text


def _texts(file: SourceFile) -> Iterator[Text | Unreadable]:
    """The texts of a file. InputError when there is none in it."""
    place = file.label or file.path
    try:
        opened = open(file.path, "rb")  # noqa: SIM115 - what is done with it must not run under this `except`
    except OSError as error:
        raise InputError(f"{place}: {error.strerror}: {_MEND}") from error
    with opened:
        if is_zip(opened):
            yield from _unzipped(opened, file, place)
            return
        data = opened.read(MAX_TEXT + 1)
    if len(data) > MAX_TEXT:
        raise InputError(f"{place}: over {MAX_TEXT >> 20} MiB: no text of 青空文庫: {_MEND}")
    yield Text((file.name,), data, "", 0)


def _unzipped(opened: BinaryIO, file: SourceFile, place: str) -> Iterator[Text | Unreadable]:
    if file.head:
        raise InputError(f"{place}: only its beginning was fetched, and a zip is read from its end: give a local copy")
    empty = True
    for found in members(opened, place, _is_text_or_zip, MAX_TEXT):
        empty = False
        own = PurePosixPath(found.name).name
        if isinstance(found, Unreadable):
            yield found
        elif not is_zip(io.BytesIO(found.data)):
            yield Text((file.name, own), found.data, found.name, found.offset)
        else:
            yield from _inner(found, own)
    if empty:
        raise InputError(f"{place}: a zip archive without a .txt: {_MEND}")


def _inner(archive: Member, own: str) -> Iterator[Text | Unreadable]:
    """The texts of a zip in a zip, which is as deep as it goes."""
    empty = True
    try:
        for text in members(io.BytesIO(archive.data), archive.name, _is_text, MAX_TEXT):
            empty = False
            if isinstance(text, Unreadable):
                yield Unreadable(f"{archive.name}/{text.name}", text.error, archive.offset)
            else:
                yield Text((own,), text.data, f"{archive.name}/{text.name}", archive.offset)
    except InputError as error:
        yield Unreadable(archive.name, str(error), archive.offset)
        return
    if empty:
        yield Unreadable(archive.name, "a zip archive without a .txt", archive.offset)


def _is_text(name: str) -> bool:
    return name.lower().endswith(".txt") and not name.startswith("__MACOSX/")


def _is_text_or_zip(name: str) -> bool:
    return _is_text(name) or (name.lower().endswith(".zip") and not name.startswith("__MACOSX/"))


def _decoded(data: bytes) -> Decoded:
    """Shift_JIS, as the site has it, unless the bytes say otherwise."""
    verdict = gate(data, "shift_jis")
    if verdict is None:  # a few words: too short for evidence
        verdict = Verdict("utf-8" if _is_utf_8(data) else "shift_jis", "bytes")
    return decode(data, verdict)


def _is_utf_8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
