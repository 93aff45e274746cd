"""Which records are worth parsing, and what is known of them before: cheap, in this process, linear in the page.

status, host, MIME, coding ─> bytes Japanese? ─> decode, strip ─> text Japanese? ─> Page
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from stages.charset import charset
from stages.gate import markup, policy
from stages.gate.blocklist import BlockList
from stages.hosts import host_of
from stages.warc.warc import Record

_HTML = frozenset({"text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml"})
_HTML_MARKS = (b"<!doctype html", b"<html", b"<head", b"<body")


@dataclass(frozen=True, slots=True)
class Page:
    """A page that is worth parsing."""

    host: str
    decoded: charset.Decoded
    declared_charset: str
    policy: policy.Policy
    stripped: str  # what the parser gets
    via: str = ""  # 'gate' when the page is here only as one of the sample of what the gate rejects


@dataclass(frozen=True)
class Triage:
    """The rules of one recipe. `gate_sample`: one in N of the pages without Japanese is taken along; 0: none."""

    min_japanese: int
    max_characters: int
    gate_sample: int
    truncated: bool
    block_hosts: tuple[str, ...]

    def page(self, record: Record) -> Page | str:
        """The page, or the reason why the record is passed by."""
        host = host_of(record.url)
        reason = self._passed_by(record, host)
        if reason:
            return reason
        label = charset.declared(record.body, record.headers)
        verdict = charset.gate(record.body, label)
        via = "" if verdict else self._sample(record)
        if verdict is None:
            if not via:
                return "passed.not-japanese"
            verdict = charset.Verdict("utf-8", "sample")
        decoded = charset.decode(record.body, verdict)
        stripped = markup.strip(decoded.text)
        # What is over the size cap becomes a row that says so; no need to look at all of it.
        if not via and not markup.is_japanese(stripped[: self.max_characters], self.min_japanese):
            via = self._sample(record)
            if not via:
                return "passed.not-japanese"
        return Page(host, decoded, label, policy.evidence(stripped, record.headers), stripped, via)

    def _passed_by(self, record: Record, host: str) -> str:
        if record.status != 200:
            return "passed.status"
        if self.block_hosts and block_list(self.block_hosts).blocks(host):
            return "passed.blocked"
        if record.mime and record.mime not in _HTML:
            return "passed.mime"
        if record.truncated and not self.truncated:
            return "passed.truncated"
        if record.coding_error:
            return "passed.encoding"
        if not record.body.strip():
            return "passed.empty"
        if not record.mime and not _looks_like_html(record.body):
            return "passed.mime"
        return ""

    def _sample(self, record: Record) -> str:
        """'gate' for one record in `gate_sample`, by a hash of its URL."""
        if not self.gate_sample:
            return ""
        key = hashlib.blake2b(record.url.encode(), digest_size=8, person=b"gate sample").digest()
        return "" if int.from_bytes(key) % self.gate_sample else "gate"


@lru_cache(maxsize=4)
def block_list(paths: tuple[str, ...]) -> BlockList:
    return BlockList(paths)


def _looks_like_html(body: bytes) -> bool:
    head = body[:1024].lower()
    return any(mark in head for mark in _HTML_MARKS)
