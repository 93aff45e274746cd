"""The row of a document as `extract` writes it, and the reasons it can give for having no text."""

from __future__ import annotations

import pyarrow as pa

DOCUMENTS = pa.schema(
    [
        pa.field("id", pa.binary(16), nullable=False),
        pa.field("url", pa.string(), nullable=False),
        pa.field("title", pa.string(), nullable=False),  # '' when there is none
        pa.field(
            "date", pa.string(), nullable=False
        ),  # RFC 3339 UTC: fetch time of a page, revision time of an article
        pa.field("text", pa.large_string(), nullable=False),  # faithful: line breaks as the page had them
        pa.field("reason", pa.string(), nullable=False),  # '' or why extraction rejects it: one of EXTRACT_REASONS
        pa.field("origin", pa.string(), nullable=False),  # first 16 hex digits of the input file's sha256
        pa.field("offset", pa.int64(), nullable=False),  # byte offset of the record (WARC) or of the page's stream
        pa.field("charset", pa.string(), nullable=False),  # the encoding the bytes were decoded with
        pa.field("replaced", pa.int32(), nullable=False),  # characters that could not be decoded (U+FFFD)
        pa.field("declared_language", pa.string(), nullable=False),  # <html lang>, '' when absent
    ]
)

# Records that never become rows (not HTML, not 200, not Japanese at the gate): counted, with a compact locator each.
PASSED = pa.schema(
    [
        pa.field("url_hash", pa.binary(8), nullable=False),  # BLAKE2b-64 of the URL: enough for `trace`
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
    ]
)

EXTRACT_REASONS = {
    "extract.empty": "no text left after extraction",
    "extract.too-large": "too large to be parsed",
    "extract.too-deep": "nested too deep to be parsed",
    "extract.too-many-links": "too many links in a block to be parsed",
    "extract.redirect": "a redirect to another article",
    "extract.namespace": "not an article (talk, file, ...)",
    "extract.disambiguation": "a 曖昧さ回避 page",
    "extract.list": "a 一覧 page (by the recipe)",
}

PASSED_REASONS = {
    "passed.status": "HTTP status is not 200",
    "passed.mime": "not HTML",
    "passed.not-japanese": "no Japanese in the bytes",
    "passed.encoding": "a content encoding not undone",
    "passed.empty": "an empty body",
}
