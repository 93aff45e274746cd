"""The `extract` stage for Wikipedia: a MediaWiki dump -> one document row a page.

Every page becomes a row. Pages that are no article (redirects, other namespaces, 曖昧さ回避, on demand 一覧) have their
reason and no text, so that the funnel of a run begins with the whole dump.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote

import pyarrow as pa

from stages.base import MAIN, InputError, Inputs, Sink, SourceFile, Stage, document_id
from stages.documents import DOCUMENTS, PASSED, document
from stages.hosts import host_of
from stages.readers.output import Output, sampled
from stages.wikipedia.categories import categories
from stages.wikipedia.mediawiki import read
from stages.wikipedia.mediawiki_xml import Damage, WikiPage
from stages.wikipedia.templates import normalise
from stages.wikipedia.wikitext import clean_page

# Templates that the cleaner dropped because its table does not know them: what it should learn next.
TEMPLATES = pa.schema(
    [
        pa.field("template", pa.string(), nullable=False),  # normalised, see `wikipedia.templates.normalise`
        pa.field("uses", pa.int64(), nullable=False),
        pa.field("pages", pa.int64(), nullable=False),
        pa.field("example", pa.string(), nullable=False),  # title of the first page with it
    ]
)

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
    license_by_date: bool = (
        True  # that of Wikipedia when the dump was made; false for another wiki, to go by the recipe
    )
    sample: int = 0  # when > 0: only this many articles, chosen by id from the head of the dump

    name: ClassVar[str] = "extract"
    version: ClassVar[int] = 5

    def __post_init__(self) -> None:
        if self.sample < 0:
            raise ValueError(f"sample = {self.sample}: give a number of articles, or 0 for the whole dump")

    def outputs(self, inputs: Inputs) -> dict[str, pa.Schema]:
        return {MAIN: DOCUMENTS, "passed": PASSED, "templates": TEMPLATES}

    def run(self, inputs: Inputs, sink: Sink) -> None:
        file = inputs.file
        if file is None:
            raise InputError("extract: no dump file was given; name one in the source of the recipe")
        records = read(file.path, file.slice)
        output, unknown = Output(sink), Unknown()
        for record in sampled(records, self.sample, self._sample_id) if self.sample else records:
            where = f"{file.name} at byte {record.offset}"
            if isinstance(record, Damage):
                if not file.head:  # else it is no damage but the end of what was fetched
                    output.lose(f"{where}, after page {record.after!r}", record.error, "damage")
                continue
            try:
                row = self._row(record, file, unknown)
            except Exception as error:  # a page that the cleaner cannot bear costs itself, and its record says why
                place, fault = f"{where}, page {record.id} {record.title!r}", f"{type(error).__name__}: {error}"
                output.lose(place, fault, "raised", id=_id(record), url=self._url(record))
            else:
                output.keep(row)
        output.flush()
        sink.count("templates.unknown", unknown.uses.total())
        sink.write(unknown.table(), to="templates")

    def _row(self, page: WikiPage, file: SourceFile, unknown: Unknown) -> dict[str, Any]:
        text, reason = "", self._reason(page)
        if not reason:
            cleaned = clean_page(page.wikitext, page.title)
            text, reason = cleaned.text, "" if cleaned.text else "extract.empty"
            unknown.add(cleaned.unknown, page.title)
        url = self._url(page)
        return document(
            id=_id(page),
            url=url,
            host=host_of(url),
            title=page.title,
            date=page.timestamp,
            text=text,
            reason=reason,
            page_id=page.id,
            revision_id=page.revision,
            categories=[] if reason else categories(page.wikitext),
            license=license_of(file.dated or page.timestamp) if self.license_by_date else "",
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

    def _sample_id(self, record: WikiPage | Damage) -> bytes | None:
        """What `sampled` chooses by: None for a page that is no article."""
        if isinstance(record, Damage):
            return b""
        return None if self._reason(record) else _id(record)


class Unknown:
    """Uses of unknown templates in one partition."""

    def __init__(self) -> None:
        self.uses: Counter[str] = Counter()
        self._pages: Counter[str] = Counter()
        self._example: dict[str, str] = {}

    def add(self, found: Counter[str], title: str) -> None:
        self.uses.update(found)
        for name in found:
            self._pages[name] += 1
            self._example.setdefault(name, title)

    def table(self) -> pa.Table:
        """Most used first."""
        rows = [
            {"template": name, "uses": uses, "pages": self._pages[name], "example": self._example[name]}
            for name, uses in sorted(self.uses.items(), key=lambda item: (-item[1], item[0]))
        ]
        return pa.Table.from_pylist(rows, schema=TEMPLATES)


def is_disambiguation(page: WikiPage) -> bool:
    """曖昧さ回避 by title or by template; {{要曖昧さ回避}}, a mark beside a link, is none."""
    if page.title.endswith(("(曖昧さ回避)", "（曖昧さ回避）")):
        return True
    names = (normalise(name) for name in _TEMPLATE_NAME.findall(_HIDDEN.sub("", page.wikitext)))
    return any(name in _DISAMBIGUATION or name.endswith("の曖昧さ回避") for name in names)


def is_list(page: WikiPage) -> bool:
    """A page whose title calls it a list: 社会学者の一覧, 日本の鉄道駅一覧 あ."""
    return _LIST_TITLE.search(page.title) is not None


def license_of(date: str) -> str:
    """Under which licence Wikipedia publishes its text on a day (RFC 3339), as an SPDX expression.

    Terms of use of the Wikimedia Foundation, section 7, changed on 7 June 2023. Of a dump of unknown date each page goes by
    its revision: what was published before keeps the licence it was published under.
    """
    return "CC-BY-SA-4.0" if date >= "2023-06-07" else "CC-BY-SA-3.0 OR GFDL-1.3-or-later"


def _id(page: WikiPage) -> bytes:
    return document_id("mediawiki", page.site, page.id, page.revision)
