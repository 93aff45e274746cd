"""The golden sample's data: pages of TOML and wikitext read into records, and their bodies turned into HTML bytes."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
BLANK_LINES = re.compile(r"\n\s*?\n(?!(?:(?!<pre>).)*</pre>)", re.DOTALL)


@dataclass
class Page:
    """One crawled page. The fields are the keys of a `[[page]]` table in `pages/*.toml`; `[site]` gives defaults."""

    slug: str
    fate: str  # see README.md
    host: str = ""
    path: str = "/"
    crawl: int = 1  # which WARC file: 1 or 2
    title: str = ""
    posted: str = ""  # the date printed on the page
    note: str = ""
    template: str = ""  # file in templates/; '' sends the body alone
    body: str = ""  # light markup, see `markup`
    body_of: str = ""  # slug of the page whose body this one repeats ...
    edits: list[list[str]] = field(default_factory=list)  # ... after these [old, new] replacements
    like: dict[str, list[float]] = field(default_factory=dict)  # slug -> [least, most] Jaccard of the main texts
    lines: str = "p"  # how the site sets paragraphs: p, div or br
    language: str = "ja"  # <html lang>, '' for none
    encoding: str = "utf-8"  # what the bytes are: a Python codec, utf-8-sig, eucjp-ms or entities
    meta_charset: str = ""  # what <meta> says they are, '' when it says nothing
    http_charset: str = ""  # what the HTTP header says they are
    bad_bytes: list[list[str]] = field(default_factory=list)  # [text, hex]: bytes put in after the text
    mojibake: list[str] = field(default_factory=list)  # [written as, misread as]
    nest: int = 0  # wrap the body in so many <div>
    repeat: int = 1
    status: int = 200
    mime: str = "text/html"
    location: str = ""
    content_encoding: str = ""
    chunked: bool = False
    damaged: bool = False
    must_contain: list[str] = field(default_factory=list)
    must_not_contain: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"https://{self.host}{self.path}"


@dataclass
class WikiPage:
    """One page of the dump: a `[[page]]` of `wiki/pages.toml`, its text in `wiki/<slug>.wiki` unless given."""

    slug: str
    fate: str
    title: str
    id: int
    revision: int
    timestamp: str
    ns: int = 0
    redirect: str = ""
    note: str = ""
    text: str = ""
    must_contain: list[str] = field(default_factory=list)
    must_not_contain: list[str] = field(default_factory=list)


def read_page(site: dict[str, Any], table: dict[str, Any]) -> Page:
    """A page with its site's defaults. What it must not contain comes on top of what its site's pages must not."""
    page = Page(**{**site, **table})
    if table.get("must_not_contain"):  # an empty list frees the page of the site's
        page.must_not_contain = [*site.get("must_not_contain", []), *table["must_not_contain"]]
    return page


def crawl_pages() -> list[Page]:
    """All pages, site by site in the order of the file names."""
    pages: list[Page] = []
    for path in sorted((HERE / "pages").glob("*.toml")):
        data = tomllib.loads(path.read_text("utf-8"))
        pages += [read_page(data.get("site", {}), table) for table in data["page"]]
    by_slug = {page.slug: page for page in pages}
    for page in pages:
        if page.body_of:
            page.body = by_slug[page.body_of].body
        for old, new in page.edits:
            if page.body.count(old) != 1:
                raise ValueError(f"{page.slug}: {old!r} is {page.body.count(old)} times in the body, should be once")
            page.body = page.body.replace(old, new)
    return pages


def wiki_pages() -> list[WikiPage]:
    folder = HERE / "wiki"
    tables: list[dict[str, Any]] = tomllib.loads((folder / "pages.toml").read_text("utf-8"))["page"]
    pages = [WikiPage(**table) for table in tables]
    for page in pages:
        page.text = page.text or (folder / f"{page.slug}.wiki").read_text("utf-8").rstrip("\n")
    return sorted(pages, key=lambda page: page.id)


def html_table(block: str) -> str:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
    html_rows = ["".join(f"<td>{cell}</td>" for cell in row) for row in rows]
    return '<table border="1">\n' + "\n".join(f"<tr>{row}</tr>" for row in html_rows) + "\n</table>"


def items(tag: str, marker: int, block: str) -> str:
    return f"<{tag}>\n" + "\n".join(f"<li>{line[marker:]}</li>" for line in block.splitlines()) + f"\n</{tag}>"


def markup(body: str, lines: str) -> str:
    """Light markup to HTML. Blank lines (outside <pre>) part blocks; a block is known by its first characters.

    `## heading`, `- list`, `1. list`, `| table | row |`, `<raw HTML>`, else a paragraph in which a line break is <br>.
    ｜漢字《かんじ》 is ruby, as in 青空文庫.
    """
    paragraph: dict[str, Callable[[str], str]] = {
        "p": lambda text: f"<p>{text}</p>",
        "div": lambda text: f'<div class="t">{text}</div>',
        "br": lambda text: f"{text}<br><br>",
    }
    out: list[str] = []
    for block in BLANK_LINES.split(body.strip("\n")):
        if block.startswith("## "):
            out.append(f"<h2>{block[3:]}</h2>")
        elif block.startswith("- "):
            out.append(items("ul", 2, block))
        elif re.match(r"1\. ", block):
            out.append(items("ol", 3, block))
        elif block.startswith("|"):
            out.append(html_table(block))
        elif block.startswith("<") and not re.match(r"<(b|a|ruby|code|em|strong|span)\b", block):
            out.append(block)
        else:
            out.append(paragraph[lines](block.replace("\n", "<br>\n")))
    ruby = r"<ruby>\1<rp>（</rp><rt>\2</rt><rp>）</rp></ruby>" if lines == "br" else r"<ruby>\1<rt>\2</rt></ruby>"
    return re.sub(r"｜([^《》｜]+)《([^》]+)》", ruby, "\n".join(out))


def encode_eucjp_ms(text: str) -> bytes:
    """EUC-JP with the vendor rows as Windows and eucJP-ms write them; Python's euc_jp has neither ① nor ㈱."""
    out = bytearray()
    for char in text:
        try:
            out += char.encode("euc_jp")
        except UnicodeEncodeError:
            lead, trail = {"髙": (0xEE, 0xE0)}.get(char) or tuple(char.encode("cp932"))  # 髙: NEC-selected, row 92
            row = (lead - (0x81 if lead < 0xA0 else 0xC1)) * 2 + (2 if trail >= 0x9F else 1)
            cell = trail - 0x9E if trail >= 0x9F else trail - (0x40 if trail > 0x7F else 0x3F)
            out += bytes([0xA0 + row, 0xA0 + cell])
    return bytes(out)


def page_html(page: Page) -> str:
    if page.mime != "text/html" or not page.template:
        return page.body
    body = markup(page.body, page.lines) if not page.mojibake else misread(markup(page.body, page.lines), page.mojibake)
    body = "\n".join([body] * page.repeat)
    if page.nest:
        body = "<div>" * page.nest + body + "</div>" * page.nest
    values = {
        "title": page.title,
        "posted": page.posted,
        "meta": f'<meta http-equiv="Content-Type" content="text/html; charset={page.meta_charset}">'
        if page.meta_charset
        else "",
        "lang": f' lang="{page.language}"' if page.language else "",
        "body": body,
    }
    source = (HERE / "templates" / page.template).read_text("utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda match: values[match[1]], source)


def misread(text: str, how: list[str]) -> str:
    written, read_as = how
    return text.encode(written).decode(read_as, "replace").replace("\ufffd", "・")


def encode_body(page: Page) -> bytes:
    """The page's HTML in its true encoding, with its bad bytes."""
    text = page_html(page)
    if page.encoding == "eucjp-ms":
        data = encode_eucjp_ms(text)
    elif page.encoding == "entities":
        data = text.encode("ascii", "xmlcharrefreplace")
    elif page.encoding == "hex":
        data = bytes.fromhex(text)
    else:
        data = text.encode(page.encoding)
    for after, bad in page.bad_bytes:
        mark = after.encode(page.encoding)
        if data.count(mark) != 1:
            raise ValueError(f"{page.slug}: {after!r} is {data.count(mark)} times in the bytes, should be once")
        data = data.replace(mark, mark + bytes.fromhex(bad))
    return data


class MainText(HTMLParser):
    """Text of a body without ruby readings."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hidden += tag in ("rt", "rp")

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in ("rt", "rp")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.parts.append(data)


def main_text(page: Page) -> str:
    """What a perfect extractor would give for the page, without white space."""
    reader = MainText()
    reader.feed(markup(page.body, page.lines))
    return "".join("".join(reader.parts).split())
