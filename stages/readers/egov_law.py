"""法令標準XML (法令標準XMLスキーマ v3) -> the text of a law as a 法令集 prints it, a line for each provision.

    民法                                                       title
    明治二十九年法律第八十九号                                 number
    第一編　総則                                               headings
    （基本原則）                                               caption of an article
    第一条　私権は、公共の福祉に適合しなければならない。       article with its first paragraph
    ２　権利の行使及び義務の履行は、…                          further paragraphs
    一　…                                                      items; イ, （１） and so on below them

Left out: the table of contents, readings (Rt), pictures and styles of forms. A table is data: of its cells those that hold a
sentence (a 。) are kept, each on its own. What is left of an appendix without its picture or table is a title; it goes too.
Schema: https://laws.e-gov.go.jp/docs/law-data-basic/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

MAX_DEPTH = 80  # of elements in elements; the schema's own nesting ends at about 30

_OMITTED = frozenset({"TOC", "Rt", "Fig", "FigStruct", "StyleStruct", "FormatStruct"})
_HEADS = ("ArticleTitle", "ParagraphNum", "ItemTitle", "ClassTitle", *(f"Subitem{n}Title" for n in range(1, 11)))
_SENTENCES = (
    "ParagraphSentence",
    "ItemSentence",
    "ClassSentence",
    "ListSentence",
    *(f"{kind}{n}Sentence" for kind in ("Subitem", "Sublist") for n in range(1, 11)),
)
_NUMBERED = frozenset({"Article", "Paragraph", "Item", "Class", *(f"Subitem{n}" for n in range(1, 11))})
_APPENDICES = frozenset({"Appdx", "AppdxTable", "AppdxNote", "AppdxStyle", "AppdxFormat", "AppdxFig"})
_APPENDICES |= {f"Suppl{name}" for name in _APPENDICES}
_TITLED = re.compile(".*(?:Title|Label|Caption)")
_LINE_BREAK = re.compile("[ \t\r\n]*[\r\n][ \t\r\n]*")
_GAP = "\u3000"


@dataclass(frozen=True, slots=True)
class Law:
    title: str
    number: str  # 法令番号: 昭和二十二年法律第六十七号
    text: str


class LawError(ValueError):
    """XML that is no law, in words that fit behind the place of it."""


def parse(xml: bytes) -> etree._Element:
    """The root. LawError for what is not XML or has a document type; no entity is expanded, nothing is fetched.

    libxml2's own caps hold too: 256 elements deep, 10 MB in a node.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise LawError(f"broken XML: {' '.join(str(error).split())}") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise LawError("it has a DOCTYPE, which no law of e-Gov has")
    return root


def law(root: etree._Element, *, supplementary: bool = True) -> Law:
    """The law below `root`: <Law> itself, or within an answer of the API. LawError when there is none.

    `supplementary`: with the 附則.
    """
    element = root if root.tag == "Law" else next(root.iter("Law"), None)
    if element is None:
        message = _flat(found) if (found := root.find(".//Message")) is not None else ""
        raise LawError(f"no <Law> in it but <{str(root.tag)[:40]}> {message[:200]}".rstrip())
    number, body = element.find("LawNum"), element.find("LawBody")
    if body is None:
        raise LawError("its <Law> has no <LawBody>")
    title = body.find("LawTitle")
    head = [_flat(part) for part in (title, number) if part is not None]
    lines = [line for line in (*head, *_Writer(supplementary).children(body, 0, without=("LawTitle",))) if line]
    return Law(_flat(title) if title is not None else "", _flat(number) if number is not None else "", "\n".join(lines))


class _Writer:
    def __init__(self, supplementary: bool) -> None:
        self._supplementary = supplementary

    def lines(self, element: etree._Element, depth: int, before: str = "") -> Iterator[str]:
        """The lines of an element. `before`: the number of the article whose first paragraph it is."""
        tag = str(element.tag)
        if depth > MAX_DEPTH:
            raise LawError(f"elements nested over {MAX_DEPTH} deep")
        if tag in _OMITTED:
            return
        if tag in _NUMBERED:
            yield from self._numbered(element, depth, before)
        elif tag in _SENTENCES:
            yield from self._sentences(element, depth, "")
        elif tag == "SupplProvision":
            yield from self._suppl_provision(element, depth)
        elif tag in _APPENDICES:
            yield from self._appendix(element, depth)
        elif tag in ("TableStruct", "Table"):
            yield from self._cells(element, depth)
        elif _is_line(element):
            yield _flat(element)
        else:
            yield from self.children(element, depth)

    def children(self, element: etree._Element, depth: int, without: tuple[str, ...] = ()) -> Iterator[str]:
        for child in element:
            if child.tag not in without:
                yield from self.lines(child, depth + 1)

    def _numbered(self, element: etree._Element, depth: int, before: str) -> Iterator[str]:
        """An article, a paragraph or an item: its captions, then its number and first sentences in one line."""
        waiting = before
        for child in element:
            tag = str(child.tag)
            if tag in _HEADS:
                waiting = _GAP.join(filter(None, (waiting, _flat(child))))
            elif tag in _SENTENCES:
                yield from self._sentences(child, depth + 1, waiting)
                waiting = ""
            elif tag == "Paragraph" and waiting:
                yield from self.lines(child, depth + 1, waiting)
                waiting = ""
            else:
                yield from self.lines(child, depth + 1)
        if waiting:
            yield waiting

    def _sentences(self, element: etree._Element, depth: int, number: str) -> Iterator[str]:
        """Sentences follow one another; columns stand apart."""
        columns = [_flat(child) for child in element if child.tag == "Column"]
        text = _GAP.join(filter(None, columns)) if columns else _flat(element, without=("Table", "TableStruct"))
        yield _GAP.join(filter(None, (number, text)))
        for child in element:
            if child.tag in ("Table", "TableStruct"):
                yield from self.lines(child, depth + 1)

    def _suppl_provision(self, element: etree._Element, depth: int) -> Iterator[str]:
        """附則 with the law that it came with, and 抄 where only a part is given."""
        if not self._supplementary:
            return
        label = element.find("SupplProvisionLabel")
        of = element.get("AmendLawNum", "")
        extract = f"{_GAP}抄" if element.get("Extract") == "true" else ""
        yield f"{'附則' if label is None else _flat(label)}{f'（{of}）' if of else ''}{extract}"
        yield from self.children(element, depth, without=("SupplProvisionLabel",))

    def _appendix(self, element: etree._Element, depth: int) -> Iterator[str]:
        heads = [child for child in element if str(child.tag).endswith(("Title", "RelatedArticleNum"))]
        rest = [line for child in element if child not in heads for line in self.lines(child, depth + 1) if line]
        if rest:
            yield "".join(map(_flat, heads))
            yield from rest

    def _cells(self, table: etree._Element, depth: int) -> Iterator[str]:
        for child in table:
            if child.tag in ("TableColumn", "TableHeaderColumn"):
                lines = list(self.children(child, depth + 1))
                if any("。" in line for line in lines):
                    yield from lines
            elif child.tag in ("Table", "TableRow", "TableHeaderRow"):
                yield from self._cells(child, depth + 1)
            elif child.tag == "Remarks":
                yield from self.lines(child, depth + 1)


def _is_line(element: etree._Element) -> bool:
    """Whether its text is one line: a title, a sentence, and whatever has text of its own."""
    tag = str(element.tag)
    return (
        tag in ("Sentence", "Column")
        or (_TITLED.fullmatch(tag) is not None and all(child.tag != "Sentence" for child in element))
        or bool((element.text or "").strip())
    )


def _flat(element: etree._Element, without: tuple[str, ...] = ()) -> str:
    """All text in an element but readings and pictures. Line breaks of the XML file are no text.

    Not recursive, and linear.
    """
    parts: list[str] = []
    skipped = 0  # how many elements that are left out we are in
    for event, part in etree.iterwalk(element, events=("start", "end")):
        leaves = part.tag in _OMITTED or part.tag in without
        if event == "start":
            skipped += leaves
            parts.append("" if skipped else part.text or "")
        else:
            skipped -= leaves
            parts.append("" if skipped or part is element else part.tail or "")
    return _LINE_BREAK.sub("", "".join(parts)).strip(" \t\r\n")
