"""The row of a document as `extract` writes it, and the reasons it can give for having no text."""

from __future__ import annotations

import pyarrow as pa

NAMES = pa.list_(pa.field("element", pa.string()))  # as Parquet calls what is in a list
_TEXT, _COUNT = pa.string(), pa.int32()
_COLUMNS: dict[str, pa.DataType] = {
    "id": pa.binary(16),
    "url": _TEXT,
    "host": _TEXT,  # of the URL: lower case, IDNA; '' when there is none
    "title": _TEXT,
    "date": _TEXT,  # RFC 3339 UTC: fetch time of a page, revision time of an article
    "text": pa.large_string(),  # faithful: line breaks as the page had them
    "reason": _TEXT,  # '' or why extraction rejects it: one of EXTRACT_REASONS
    "via": _TEXT,  # '' or the sample of what was left out that it was taken along with: 'gate' or 'index'
    "record": _TEXT,  # the id that the source itself gives it: WARC-Record-ID, the id column of a table
    "page_id": pa.int64(),  # of a wiki: the page and the revision of it; else 0
    "revision_id": pa.int64(),
    "categories": NAMES,  # that an article is in, in its order
    "file": _TEXT,  # the WARC file as it calls itself (WARC-Filename) or as the index calls it; a file in an archive
    "origin": _TEXT,  # first 16 hex digits of the input's sha256
    "offset": pa.int64(),  # bytes before the record in the WARC file, or the page's stream in the dump; a table's row
    "length": pa.int64(),  # bytes of the record there
    "mime": _TEXT,  # Content-Type without its parameters
    "charset": _TEXT,  # the encoding the bytes were decoded with
    "charset_by": _TEXT,  # what decided it: see `stages.charset.charset`
    "declared_charset": _TEXT,  # by the HTTP header, else by the page
    "replaced": _COUNT,  # characters that could not be decoded (U+FFFD)
    "private": _COUNT,  # characters of the private use areas: gaiji, emoji of old telephones
    "declared_language": _TEXT,
    "policy": _TEXT,  # signals such as 'noai noindex', see `stages.gate.policy`
    "license": _TEXT,  # that the source grants for this very document, as an SPDX expression or name; '' = as the recipe says
    "page_license": _TEXT,  # of rel=license and the like: 'CC-BY-4.0' or a URL
    "comments": _COUNT,  # characters of readers' comments that the page has, kept or not
}
DOCUMENTS = pa.schema([pa.field(name, kind, nullable=False) for name, kind in _COLUMNS.items()])
_UNKNOWN: dict[str, object] = dict.fromkeys(_COLUMNS, 0) | {
    name: "" if kind in (_TEXT, pa.large_string()) else []
    for name, kind in _COLUMNS.items()
    if not pa.types.is_integer(kind)
}


def document(**known: object) -> dict[str, object]:
    """A row of DOCUMENTS; what is not given is '', 0 or empty. TypeError for a column there is not."""
    if wrong := known.keys() - _UNKNOWN.keys():
        raise TypeError(f"no such column: {', '.join(sorted(wrong))}")
    return {**_UNKNOWN, **known}


# Records that never become rows (not HTML, not 200, not Japanese at the gate): counted, with a compact locator each.
PASSED = pa.schema(
    [
        pa.field("url_hash", pa.binary(8), nullable=False),  # BLAKE2b-64 of the URL: enough for `trace`
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
    ]
)

ERASED = "extract.erased"  # of a row that has lost its text since (`pipeline/removal/everywhere.py`)
EXTRACT_REASONS = {
    ERASED: "asked to be removed, and its text erased",
    "extract.empty": "no text left after extraction",
    "extract.too-large": "too large to be parsed",
    "extract.too-deep": "nested too deep to be parsed",
    "extract.too-many-links": "too many links in a block to be parsed",
    "extract.redirect": "a redirect to another article",
    "extract.namespace": "not an article (talk, file, ...)",
    "extract.disambiguation": "a 曖昧さ回避 page",
    "extract.list": "a 一覧 page (by the recipe)",
    "extract.copyright": "still in copyright, by the catalogue",
    "extract.not-in-catalogue": "not in the catalogue, so its rights are not known",
}

PASSED_REASONS = {
    "passed.status": "HTTP status is not 200",
    "passed.mime": "not HTML",
    "passed.not-japanese": "no Japanese in the bytes",
    "passed.encoding": "a content encoding not undone",
    "passed.empty": "an empty body",
    "passed.blocked": "a host on the block list",
    "passed.truncated": "cut by the crawler, and the recipe takes no cut pages",
}
