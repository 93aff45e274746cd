"""Whatever happens to a WARC file: no byte of it is unaccounted for, and what was not touched comes out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stages.errors import InputError
from stages.warc import engines
from stages.warc.engines import ENGINES, Engine, Piece, pieces
from stages.warc.layout import View, opened
from stages.warc.parse import Raw
from tests.warcs import Response, compress, encoded, html, record_id

KINDS = ("warcinfo", "request", "response", "metadata", "response")


def no_engine(view: View, limit: int) -> Iterator[tuple[int, Raw]]:
    return iter(())


def packed(layout: str) -> list[bytes]:
    """A small archive, in bytes that belong together."""
    whole = [
        encoded(Response(html("頁" * 9 * n), type=KINDS[n % 5], url=f"https://example.jp/{n}"), n) for n in range(8)
    ]
    zstd = zstandard.ZstdCompressor(write_checksum=True).compress
    return [{"gzip": compress, "plain": bytes, "zstd": zstd}[layout](record) for record in whole]


ARCHIVES = {layout: packed(layout) for layout in ("gzip", "plain", "zstd")}


@st.composite
def damaged(draw: st.DrawFn) -> tuple[bytes, set[str]]:
    """A damaged archive, and the ids of the responses that the damage did not touch."""
    layout = draw(st.sampled_from(sorted(ARCHIVES)))
    parts = ARCHIVES[layout]
    data = bytearray(b"".join(parts))
    start = draw(st.integers(0, len(data)))
    end = min(len(data), start + draw(st.sampled_from([0, 1, 2, 4, 50, 400])))
    damages = [st.binary(max_size=20), st.just(bytes(byte ^ 0xFF for byte in data[start:end]))]
    if layout != "plain":  # where a whole header in the wrong place is as good as any
        damages.append(st.just(bytes(data[:300])))
    data[start:end] = draw(st.one_of(damages))
    untouched, at = set(), 0
    for n, part in enumerate(parts):
        if KINDS[n % 5] == "response" and (at + len(part) <= start or at >= end) and not at < start < at + len(part):
            untouched.add(record_id(n))
        at += len(part)
    return bytes(data), untouched


@settings(max_examples=150, deadline=None)
@given(damaged(), st.sampled_from([1, 700, 4 << 20]))
def test_damage_anywhere(tmp_path_factory: pytest.TempPathFactory, archive: tuple[bytes, set[str]], batch: int) -> None:
    data, untouched = archive
    assume(not data.startswith(b"\x5d\x2a\x4d\x18"))  # a dictionary that is none: the file is refused, with that reason
    path = tmp_path_factory.mktemp("damage") / "a.warc"
    path.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engines, "BATCH", batch)
        seen = [covered(path, engine) for engine in (*ENGINES.values(), no_engine)]
    found = [[comparable(piece, untouched) for piece in each] for each in seen]
    assert found[0] == found[1] == found[2]
    assert untouched <= {identity(piece.record) for piece in seen[0] if piece.record}


def covered(path: Path, engine: Engine) -> list[Piece]:
    """The pieces of a file, of whose bytes none is left out and none is there twice; none if it is refused."""
    try:
        with opened(str(path)) as layout:
            found = list(pieces(layout, engine, 1 << 20))
    except InputError:
        return []
    assert [piece.offset for piece in found] == [0, *(piece.end for piece in found[:-1])]
    assert found[-1].end == path.stat().st_size
    return found


def comparable(piece: Piece, untouched: set[str]) -> tuple[object, ...]:
    """All of an untouched record; of others what it is and where, as engines read header lines in ruins differently."""
    raw = piece.record
    whole = raw if raw and identity(raw) in untouched else None
    return piece.offset, piece.end, piece.error, raw and raw.type == "response", whole


def identity(raw: Raw) -> str:
    return raw.headers.get("warc-record-id", "").strip("<>")
