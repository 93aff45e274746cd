"""Write the golden sample: two WARC files, a small MediaWiki dump with its index, and the fate of every document.

    python tests/golden/make.py

Everything it writes follows from `pages/`, `templates/` and `wiki/` alone: dates are fixed, record ids are uuid5 of the
slug. Only the compressed bytes may differ between two zlib versions, therefore the outputs are committed and
`test_golden_make.py` compares what they decompress to.
"""

from __future__ import annotations

import base64
import bz2
import datetime
import hashlib
import sys
import urllib.parse
import uuid
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.sax.saxutils import escape

if __package__ in (None, ""):  # run as a script, from any directory
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.golden.source import HERE, Page, WikiPage, crawl_pages, encode_body, wiki_pages

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://seimai.example/golden")
SECOND = datetime.timedelta(seconds=1)
# The second crawl is the newer one: of two documents of the same length, its copy is the keeper.
CRAWL_START = {1: datetime.datetime(2025, 10, 5, 3, 0, 0), 2: datetime.datetime(2026, 2, 8, 3, 0, 0)}
PAGES_A_STREAM = 4  # Wikipedia's dumps hold 100 pages a stream; few, so that the small dump has several


def stored_gzip(data: bytes) -> bytes:
    """A gzip stream of stored blocks (RFC 1951, 3.2.4): the same bytes whatever the zlib version."""
    out = bytearray(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff")
    blocks = [data[i : i + 0xFFFF] for i in range(0, len(data), 0xFFFF)] or [b""]
    for n, block in enumerate(blocks, start=1):
        size = len(block)
        out += bytes([n == len(blocks)]) + size.to_bytes(2, "little") + (size ^ 0xFFFF).to_bytes(2, "little") + block
    return bytes(out + zlib.crc32(data).to_bytes(4, "little") + len(data).to_bytes(4, "little"))


def chunked(data: bytes, size: int = 1000) -> bytes:
    """Chunked transfer coding (RFC 9112, 7.1). The cuts fall where they fall, inside characters too."""
    chunks = [data[i : i + size] for i in range(0, len(data), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in [*chunks, b""])


def http_response(page: Page) -> bytes:
    body = encode_body(page)
    mime = page.mime if not page.http_charset else f"{page.mime}; charset={page.http_charset}"
    headers = [f"Content-Type: {mime}"]
    if page.location:
        headers.append(f"Location: {page.location}")
    if page.content_encoding:
        headers.append(f"Content-Encoding: {page.content_encoding}")
        body = stored_gzip(body) if page.content_encoding == "gzip" else bytes(b ^ 0x55 for b in body)
    if page.chunked:
        headers.append("Transfer-Encoding: chunked")
        body = chunked(body)
    else:
        headers.append(f"Content-Length: {len(body)}")
    phrase = {200: "OK", 301: "Moved Permanently", 404: "Not Found"}[page.status]
    head = "\r\n".join([f"HTTP/1.1 {page.status} {phrase}", "Server: nginx", *headers, "", ""])
    return head.encode("ascii") + body


def digest(data: bytes) -> str:
    return "sha1:" + base64.b32encode(hashlib.sha1(data).digest()).decode("ascii")


def warc_record(kind: str, key: str, date: str, block: bytes, content_type: str, uri: str = "") -> bytes:
    """One uncompressed WARC/1.0 record; its id is uuid5 of kind and key."""
    fields = [("WARC-Type", kind), ("WARC-Record-ID", f"<urn:uuid:{uuid.uuid5(NAMESPACE, f'{kind} {key}')}>")]
    fields += [("WARC-Date", date)]
    if uri:
        fields.append(("WARC-Target-URI", uri))
    if kind == "response":
        fields.append(("WARC-Payload-Digest", digest(block.partition(b"\r\n\r\n")[2])))
    fields += [
        ("WARC-Block-Digest", digest(block)),
        ("Content-Type", content_type),
        ("Content-Length", str(len(block))),
    ]
    head = "WARC/1.0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields) + "\r\n"
    return head.encode("utf-8") + block + b"\r\n\r\n"


def flip_middle(member: bytes) -> bytes:
    """Damage a gzip member: a tenth of its bytes, in the middle, inverted."""
    start, end = len(member) * 45 // 100, len(member) * 55 // 100
    return member[:start] + bytes(b ^ 0xFF for b in member[start:end]) + member[end:]


def gzip_member(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)  # 31: a gzip header, without a time
    return packer.compress(data) + packer.flush()


def records(crawl: int, pages: Iterable[Page]) -> Iterator[tuple[bytes, bool]]:
    """Uncompressed records in file order, as Common Crawl has them, and whether to damage them once compressed."""
    when = CRAWL_START[crawl]
    about = b"software: Seimai golden sample\r\nformat: WARC File Format 1.0\r\n"
    yield warc_record("warcinfo", f"crawl-{crawl}", f"{when.isoformat()}Z", about, "application/warc-fields"), False
    for page in pages:
        when += 7 * SECOND
        date, url = f"{when.isoformat()}Z", page.url
        path, host = url.split("/", 3)[3], url.split("/", 3)[2]
        request = f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: golden\r\n\r\n".encode("ascii")
        yield warc_record("request", page.slug, date, request, "application/http; msgtype=request", url), False
        response = http_response(page)
        yield (
            warc_record("response", page.slug, date, response, "application/http; msgtype=response", url),
            page.damaged,
        )
        metadata = b"fetchTimeMs: 120\r\n"
        yield warc_record("metadata", page.slug, date, metadata, "application/warc-fields", url), False


def warc(crawl: int, pages: Iterable[Page]) -> bytes:
    return b"".join(
        flip_middle(gzip_member(record)) if damaged else gzip_member(record)
        for record, damaged in records(crawl, pages)
    )


def base36_sha1(text: str) -> str:
    """SHA-1 as MediaWiki writes it: base 36, 31 digits."""
    number, digits = int.from_bytes(hashlib.sha1(text.encode("utf-8")).digest(), "big"), ""
    while number:
        number, rest = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[rest] + digits
    return digits.rjust(31, "0")


def wiki_xml(page: WikiPage) -> str:
    redirect = f'    <redirect title="{escape(page.redirect)}" />\n' if page.redirect else ""
    size, sha1 = len(page.text.encode("utf-8")), base36_sha1(page.text)
    return (
        f"  <page>\n    <title>{escape(page.title)}</title>\n    <ns>{page.ns}</ns>\n    <id>{page.id}</id>\n{redirect}"
        f"    <revision>\n      <id>{page.revision}</id>\n      <parentid>{page.revision - 11}</parentid>\n"
        f"      <timestamp>{page.timestamp}</timestamp>\n"
        "      <contributor>\n        <username>Golden</username>\n        <id>1</id>\n      </contributor>\n"
        f"      <origin>{page.revision}</origin>\n      <model>wikitext</model>\n      <format>text/x-wiki</format>\n"
        f'      <text bytes="{size}" sha1="{sha1}" xml:space="preserve">{escape(page.text)}</text>\n'
        f"      <sha1>{sha1}</sha1>\n    </revision>\n  </page>\n"
    )


def wiki_streams(pages: list[WikiPage]) -> list[tuple[str, list[WikiPage]]]:
    """The uncompressed streams of a pages-articles-multistream dump: siteinfo, pages by the few, the closing tag."""
    streams = [((HERE / "wiki" / "siteinfo.xml").read_text("utf-8"), list[WikiPage]())]
    for start in range(0, len(pages), PAGES_A_STREAM):
        group = pages[start : start + PAGES_A_STREAM]
        streams.append(("".join(map(wiki_xml, group)), group))
    return [*streams, ("</mediawiki>\n", [])]


def wiki_dump(pages: list[WikiPage]) -> tuple[bytes, str]:
    """(multistream bz2, index text): each line of the index is `offset of the stream:page id:title`."""
    dump, index = b"", ""
    for text, group in wiki_streams(pages):
        index += "".join(f"{len(dump)}:{page.id}:{page.title}\n" for page in group)
        dump += bz2.compress(text.encode("utf-8"), 9)
    return dump, index


def wiki_url(page: WikiPage) -> str:
    title = urllib.parse.quote(page.title.replace(" ", "_"), safe="/:;@$!*(),~")  # what wfUrlencode leaves as it is
    return f"https://wiki.example/wiki/{title}"


def expected(pages: Iterable[Page], articles: Iterable[WikiPage]) -> tuple[str, str]:
    """(expected.tsv, contains.tsv): the fate of every document, and strings its text must or must not hold."""
    fates, contains = "slug\turl\tsource\tfate\tnote\n", "slug\trule\tstring\n"
    rows = [(page, page.url, "crawl") for page in pages] + [(page, wiki_url(page), "wiki") for page in articles]
    for page, url, source in rows:
        fates += "\t".join([page.slug, url, source, page.fate, page.note]) + "\n"
        contains += "".join(f"{page.slug}\tmust\t{s}\n" for s in page.must_contain)
        contains += "".join(f"{page.slug}\tmust_not\t{s}\n" for s in page.must_not_contain)
    return fates, contains


def outputs() -> dict[str, bytes]:
    """File name -> content of everything this script writes."""
    pages, articles = crawl_pages(), wiki_pages()
    dump, index = wiki_dump(articles)
    fates, contains = expected(pages, articles)
    return {
        "crawl-1.warc.gz": warc(1, [page for page in pages if page.crawl == 1]),
        "crawl-2.warc.gz": warc(2, [page for page in pages if page.crawl == 2]),
        "wiki.xml.bz2": dump,
        "wiki-index.txt.bz2": bz2.compress(index.encode("utf-8"), 9),
        "expected.tsv": fates.encode("utf-8"),
        "contains.tsv": contains.encode("utf-8"),
    }


def main() -> None:
    for name, content in outputs().items():
        (HERE / name).write_bytes(content)
        print(f"{len(content):>8}  {name}")


if __name__ == "__main__":
    main()
