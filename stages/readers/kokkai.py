"""The `extract` stage for 国会会議録: JSON of the search API of the National Diet Library -> one document row a meeting.

Licence: `LICENSE` is a name, not a grant. The NDL says: the copyright in a speech lies with its speaker, that in the
compilation with the NDL. Speeches that are 政治上の演説又は陳述 may be used by whatever means (著作権法 第四十条第1項), except to
publish the collected speeches of one person; what witnesses and experts say may lie outside of it. Whoever trains on the
text also has 著作権法 第三十条の四 to look at. Terms: https://kokkai.ndl.go.jp/help.html. No legal advice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa

from stages.base import MAIN, InputError, Inputs, Sink, SourceFile, Stage, document_id
from stages.caps import Caps, within
from stages.documents import DOCUMENTS, PASSED, document
from stages.hosts import host_of
from stages.readers.kokkai_json import Loss, Meeting, meetings
from stages.readers.kokkai_text import minutes
from stages.readers.output import Output, sampled
from stages.readers.tables import date_of, unreadable, whole

LICENSE = "LicenseRef-JP-Diet-Record"


@dataclass(frozen=True)
class ExtractKokkai(Stage):
    """Meetings as documents: from answers of /api/meeting, or of /api/speech put together by their issueID.

    Understood: an answer as it came, an array of answers, meetings or speeches, or one of them a line (JSONL); all also
    gzipped. Document id: the issueID; of speeches, which need not be the whole meeting, with their speechIDs. Date: the
    day of the meeting. `record`: the issueID. Title: 第196回国会 衆議院 予算委員会 第3号.
    """

    header: bool = False  # with the 会議録情報 before the first speech: the day, who was there, the agenda
    max_characters: int = Caps.characters  # of a text; a longer one is rejected
    sample: int = 0  # when > 0: only this many meetings, chosen by id from the head of the file

    name: ClassVar[str] = "extract"
    version: ClassVar[int] = 2
    needs_all: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.sample < 0:
            raise ValueError(f"sample = {self.sample}: give a number of meetings, or 0 for the whole file")

    def outputs(self, inputs: Inputs) -> dict[str, pa.Schema]:
        return {MAIN: DOCUMENTS, "passed": PASSED}

    def run(self, inputs: Inputs, sink: Sink) -> None:
        file = inputs.file
        if file is None:
            raise InputError("extract: no file of minutes was given; name one in the source of the recipe")
        output, rows = Output(sink), self._rows(file)
        for row in sampled(rows, self.sample, _sample_id) if self.sample else rows:
            if isinstance(row, Loss):
                output.lose(f"{file.name} {row.where}", row.error, "damage")
            else:
                output.keep(row)
        output.flush()

    def _rows(self, file: SourceFile) -> Iterator[dict[str, Any] | Loss]:
        uses: dict[bytes, int] = {}
        for meeting in meetings(file):
            if isinstance(meeting, Loss):
                yield meeting
                continue
            if not any(isinstance(speech.get("speech"), str) for speech in meeting.speeches):
                error = "no speech in it has a text, as in answers of /api/meeting_list: ask /api/meeting instead"
                yield Loss(meeting.where, error)
                continue
            row = self._row(meeting, file)
            uses[row["id"]] = uses.get(row["id"], 0) + 1
            if uses[row["id"]] > 1:
                row["id"] = document_id("kokkai", row["id"].hex(), uses[row["id"]])
            yield row

    def _row(self, meeting: Meeting, file: SourceFile) -> dict[str, Any]:
        about = meeting.about
        issue = _said(about, "issueID")
        parts = [] if meeting.whole else sorted(_said(speech, "speechID") for speech in meeting.speeches)
        text = minutes(meeting.speeches, header=self.header)
        text, reason = within(text, self.max_characters, "" if text.strip() else "extract.empty")
        url = _said(about, "meetingURL")
        return document(
            id=document_id("kokkai", issue, *parts),
            url=url,
            host=host_of(url),
            title=_title(about),
            date=date_of(_said(about, "date")),
            text=text,
            reason=reason,
            record=issue,
            origin=file.sha256[:16],
            offset=meeting.number,
            mime="application/json",
            charset="utf-8",
            declared_language="ja",
            license=LICENSE,
            **unreadable(text),
        )


def _title(about: dict[str, Any]) -> str:
    session = _said(about, "session")
    names = (_said(about, key) for key in ("nameOfHouse", "nameOfMeeting", "issue"))
    return " ".join(filter(None, (f"第{session}回国会" if session else "", *names)))


def _said(record: dict[str, Any], key: str) -> str:
    """A value as text in one line; '' for none."""
    value = record.get(key)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return " ".join(whole(str(value)).split())


def _sample_id(row: dict[str, Any] | Loss) -> bytes | None:
    return b"" if isinstance(row, Loss) else bytes(row["id"])
