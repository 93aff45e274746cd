"""The `extract` stage for Wikipedia: a MediaWiki dump -> one document row a page.

Every page becomes a row. Pages that are no article (redirects, other namespaces, 曖昧さ回避, on demand 一覧) have their
reason and no text, so that the funnel of a run begins with the whole dump.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar
from urllib.parse import quote

import pyarrow as pa

from stages.base import MAIN, ROWS, InputError, Inputs, Sink, SourceFile, Stage, document_id
from stages.documents import DOCUMENTS, PASSED, document
from stages.hosts import host_of
from stages.mediawiki import Damage, WikiPage, read
from stages.wikitext import clean_page
from stages.wikitext_templates import normalise

LOOK_AHEAD = 20  # pages looked at for every page of a sample: enough that its articles are not neighbours by age alone
BUFFER = 32 << 20  # characters of text in a row group at most: what every later stage holds at once

_TITLE_SAFE = "/:;@$!*(),~"  # what MediaWiki's wfUrlencode leaves as it is
_DISAMBIGUATION = frozenset(
    {"aimai", "曖昧さ回避", "disambig", "disambiguation", "dab", "hndis", "geodis", "letter-disambig"}
)
_TEMPLATE_NAME = re.compile(r"\{\{([^{}|\[\]<>\n]{1,80})")
_HIDDEN = re.compile(r"<!--[^<>]*-->|<nowiki>[^<]*</nowiki>")
_LIST_TITLE = re.compile(r"一覧(?:$|[ _　(（:：/])")
_REDIRECT = re.compile(r"\s*#(?:redirect|転送|リダイレクト)\s*:?\s*\[\[", re.IGNORECASE)


@dataclass(frozen=True)
class ExtractMediawiki(Stage):
    """Articles of a `pages-articles` dump as documents.

    Document id: wiki (database name), page id and revision id. URL: as Wikipedia writes it. Date: that of the revision.
    """

    lists: bool = True  # keep pages that are lists (…の一覧)
    url_base: str = "https://ja.wikipedia.org/wiki/"
    sample: int = 0  # when > 0: only this many articles, chosen by id from the head of the dump

    name: ClassVar[str] = "extract"
    version: ClassVar[int] = 2

    def __post_init__(self) -> None:
        if self.sample < 0:
            raise ValueError(f"sample = {self.sample}: give a number of articles, or 0 for the whole dump")

    def outputs(self, inputs: Inputs) -> dict[str, pa.Schema]:
        return {MAIN: DOCUMENTS, "passed": PASSED}

    def run(self, inputs: Inputs, sink: Sink) -> None:
        file = inputs.file
        if file is None:
            raise InputError("extract: no dump file was given; name one in the source of the recipe")
        records = read(file.path)
        rows = _Rows(sink)
        for record in self._sampled(records) if self.sample else records:
            sink.count("records")
            if isinstance(record, Damage):
                sink.count("quarantined")
                sink.count("lost.damage")
                where = f"{file.name} at byte {record.offset}, after page {record.after!r}"
                sink.quarantine(id="", url="", where=where, error=record.error)
                continue
            try:
                row = self._row(record, file, sink)
            except Exception as error:  # a page that the cleaner cannot bear costs itself, and its record says why
                sink.count("quarantined")
                sink.count("lost.raised")
                where = f"{file.name} at byte {record.offset}, page {record.id} {record.title!r}"
                fault = f"{type(error).__name__}: {error}".splitlines()[0]
                sink.quarantine(id=_id(record).hex(), url=self._url(record), where=where, error=fault)
                continue
            sink.count("rows")
            if row["reason"]:
                sink.reason(str(row["reason"]))
            rows.add(row)
        rows.flush()

    def _row(self, page: WikiPage, file: SourceFile, sink: Sink) -> dict[str, object]:
        text, reason = "", self._reason(page)
        if not reason:
            cleaned = clean_page(page.wikitext, page.title)
            text, reason = cleaned.text, "" if cleaned.text else "extract.empty"
            if cleaned.unknown:
                sink.count("templates.unknown", cleaned.unknown.total())
        url = self._url(page)
        return document(
            id=_id(page),
            url=url,
            host=host_of(url),
            title=page.title,
            date=page.timestamp,
            text=text,
            reason=reason,
            origin=file.sha256[:16],
            offset=page.offset,
            charset="utf-8",
            declared_language="ja",
        )

    def _reason(self, page: WikiPage) -> str:
        if page.redirect or _REDIRECT.match(page.wikitext):
            return "extract.redirect"
        if page.namespace != 0 or page.model != "wikitext":
            return "extract.namespace"
        if page.oversized:
            return "extract.too-large"
        if is_disambiguation(page):
            return "extract.disambiguation"
        if not self.lists and is_list(page):
            return "extract.list"
        return ""

    def _url(self, page: WikiPage) -> str:
        return self.url_base + quote(page.title.replace(" ", "_"), safe=_TITLE_SAFE, errors="surrogatepass")

    def _sampled(self, records: Iterator[WikiPage | Damage]) -> Iterator[WikiPage | Damage]:
        """Of the first pages of the dump the `sample` articles with the lowest ids, in their order; and any damage.

        At most `sample` pages are held. An article here is what `_reason` would give text to.
        """
        chosen: list[tuple[int, int, WikiPage]] = []  # a heap, the highest id on top
        head = islice(records, LOOK_AHEAD * self.sample)
        for position, record in enumerate(head):
            if isinstance(record, Damage):
                yield record
            elif not self._reason(record):
                entry = (-int.from_bytes(_id(record), "big"), position, record)
                if len(chosen) < self.sample:
                    heapq.heappush(chosen, entry)
                else:
                    heapq.heappushpop(chosen, entry)
        for _, _, page in sorted(chosen, key=lambda entry: entry[1]):
            yield page


def is_disambiguation(page: WikiPage) -> bool:
    """曖昧さ回避 by title or by template; {{要曖昧さ回避}}, a mark beside a link, is none."""
    if page.title.endswith(("(曖昧さ回避)", "（曖昧さ回避）")):
        return True
    names = (normalise(name) for name in _TEMPLATE_NAME.findall(_HIDDEN.sub("", page.wikitext)))
    return any(name in _DISAMBIGUATION or name.endswith("の曖昧さ回避") for name in names)


def is_list(page: WikiPage) -> bool:
    """A page whose title calls it a list: 社会学者の一覧, 日本の鉄道駅一覧 あ."""
    return _LIST_TITLE.search(page.title) is not None


def _id(page: WikiPage) -> bytes:
    return document_id("mediawiki", page.site, page.id, page.revision)


class _Rows:
    """Rows on their way to the sink, held up to a row group or `BUFFER` characters."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._held: list[dict[str, object]] = []
        self._characters = 0

    def add(self, row: dict[str, object]) -> None:
        self._held.append(row)
        self._characters += len(str(row["text"]))
        if len(self._held) >= ROWS or self._characters >= BUFFER:
            self.flush()

    def flush(self) -> None:
        if self._held:
            self._sink.write(pa.Table.from_pylist(self._held, schema=DOCUMENTS), cut=True)
        self._held, self._characters = [], 0
