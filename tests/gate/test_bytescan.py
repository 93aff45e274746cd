from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from stages.charset.bytescan import (
    LegacyCounts,
    Utf8Counts,
    euc_jp_counts,
    iso_2022_jp_kana,
    shift_jis_counts,
    utf8_counts,
    utf16_counts,
)
from tests.runs import ROOT

CODECS = ("utf-8", "cp932", "euc_jp", "iso2022_jp", "utf-16")

# The kernels against twins that are slow and plain.

WORDS = (*"あアゖヺ・ー゙漢、é가𠮷ｱ①&\ufffd", "&#12354;", "&#x3042;", "&#", "<p>", "a" * 70)
FRAGMENTS = st.sampled_from(WORDS)
JUNK = st.binary(max_size=9)


@st.composite
def mixtures(draw: st.DrawFn) -> bytes:
    """Text in changing encodings with broken bytes in between, at every alignment."""
    parts = draw(st.lists(st.tuples(st.lists(FRAGMENTS, max_size=30), st.sampled_from(CODECS), JUNK)))
    return b"".join("".join(text).encode(codec, "replace") + junk for text, codec, junk in parts)


BODIES = st.one_of(st.binary(max_size=300), mixtures())


def is_kana(character: str) -> bool:
    return "\u3040" <= character <= "ヺ"


def length_of(lead: int) -> int:
    """Bytes of the UTF-8 character that begins with `lead`; 0 if none does."""
    if lead < 0x80:
        return 1
    if not 0xC2 <= lead < 0xF5:
        return 0
    return 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4


def naive_utf8(body: bytes) -> Utf8Counts:
    kana = other = bad = 0
    for i, byte in enumerate(body):
        if byte < 0x80:
            continue
        character = body[i : i + length_of(byte)]
        if character and len(character) == length_of(byte) and all(tail & 0xC0 == 0x80 for tail in character[1:]):
            # A well-formed shape may still be no character (a surrogate): counted, like the others.
            found = is_kana(character.decode("utf-8", "replace")[0])
            kana += found
            other += not found
        elif byte & 0xC0 != 0x80 or not any(length_of(body[i - back]) > back for back in range(1, min(3, i) + 1)):
            bad += 1
    return Utf8Counts(kana, other, bad, naive_references(body))


def naive_references(body: bytes) -> int:
    count = 0
    text = body.decode("latin-1")
    for rest in text.split("&#")[1:]:
        base = 16 if rest[:1] in ("x", "X") else 10
        digits = ""
        for character in rest[base == 16 :][:8]:
            if character not in "0123456789abcdefABCDEF"[: 10 if base == 10 else 22]:
                break
            digits += character
        value = int(digits, base) if digits else 0
        count += 0x3041 <= value <= 0x3096 or 0x30A1 <= value <= 0x30FA
    return count


def naive_shift_jis(body: bytes) -> LegacyCounts:
    kana = kanji = pairs = bad = halfwidth = 0
    i = 0
    while i < len(body):
        lead, trail = body[i], body[i + 1] if i + 1 < len(body) else 0
        i += 1
        if lead < 0x80:
            continue
        if 0xA1 <= lead <= 0xDF:
            halfwidth += 1
        elif lead in (0x80, 0xA0, 0xFD, 0xFE, 0xFF) or not 0x40 <= trail <= 0xFC or trail == 0x7F:
            bad += 1
        else:
            i += 1
            pairs += 1
            kana += (lead == 0x82 and 0x9F <= trail <= 0xF1) or (lead == 0x83 and trail <= 0x96)
            kanji += 0x88 <= lead <= 0xEA
            bad += lead in (0x85, 0x86, 0xEB, 0xEC, 0xEF)
    return LegacyCounts(kana, kanji, pairs, bad, halfwidth)


EMPTY_ROWS = (0xA9, 0xAA, 0xAB, 0xAC, 0xAE, 0xAF, 0xF5, 0xF6, 0xF7, 0xF8)


def is_euc_kana(pair: bytes) -> bool:
    return (pair[0] == 0xA4 and 0xA1 <= pair[1] <= 0xF3) or (pair[0] == 0xA5 and 0xA1 <= pair[1] <= 0xF6)


def naive_euc_jp(body: bytes) -> LegacyCounts:
    kana = kanji = pairs = bad = 0
    run: list[bytes] = []  # characters without a gap up to here
    i = 0
    while i < len(body):
        high = [byte for byte in body[i + 1 : i + 3] if 0xA1 <= byte <= 0xFE]
        lead = body[i]
        if lead < 0x80:
            i += 1
            run = []
        elif lead == 0x8F and len(high) == 2:
            pairs += 1
            run.append(body[i : i + 3])
            i += 3
        elif (lead == 0x8E or 0xA1 <= lead <= 0xFE) and 0xA1 <= (body[i + 1] if i + 1 < len(body) else 0) <= 0xFE:
            pairs += 1
            run.append(body[i : i + 2])
            kana += is_euc_kana(run[-1])
            kanji += 0xB0 <= lead <= 0xF4
            bad += lead in EMPTY_ROWS
            i += 2
        else:
            bad += 1
            every = b"".join(run) + body[i : i + 1]
            in_step = [is_euc_kana(every[k : k + 2]) for k in range(0, len(every) - 2, 2)]
            shifted = [is_euc_kana(every[k : k + 2]) for k in range(1, len(every) - 1, 2)]
            most = max((sum(in_step[:k]) + sum(shifted[k:]) for k in range(len(shifted))), default=0)
            if most > sum(map(is_euc_kana, run)):
                kana += most - sum(map(is_euc_kana, run))
                bad -= sum(each[0] in EMPTY_ROWS for each in run)
            i += 1
            run = []
    return LegacyCounts(kana, kanji, pairs, bad, 0)


@given(BODIES)
def test_utf8_scan_equals_its_naive_twin(body: bytes) -> None:
    assert utf8_counts(body) == naive_utf8(body)


@given(BODIES)
def test_shift_jis_scan_equals_its_naive_twin(body: bytes) -> None:
    assert shift_jis_counts(body) == naive_shift_jis(body)


@given(BODIES)
def test_euc_jp_scan_equals_its_naive_twin(body: bytes) -> None:
    assert euc_jp_counts(body) == naive_euc_jp(body)


@given(BODIES)
def test_utf_16_counts_are_those_of_its_code_units(body: bytes) -> None:
    for big_endian, order in ((False, "little"), (True, "big")):
        units = [int.from_bytes(body[i : i + 2], order) for i in range(0, len(body) - 1, 2)]
        kana = sum(0x3040 <= unit <= 0x30FA for unit in units)
        assert utf16_counts(body, big_endian) == (kana, sum(unit >= 0x80 for unit in units))


def test_kana_of_iso_2022_jp_are_counted_between_escapes() -> None:
    assert iso_2022_jp_kana("かなカナ漢字".encode("iso2022_jp")) == 4
    assert iso_2022_jp_kana("かなカナ漢字".encode("iso2022_jp")[:-3] + b"\n%d$%%%") == 4
    assert iso_2022_jp_kana("かなカナ漢字".encode("iso2022_jp")[2:]) == 4
    assert iso_2022_jp_kana("かなカナ漢字".encode("iso2022_jp").replace(b"$B$", b"$B")) == 3
    assert iso_2022_jp_kana(b"$B$+$J") == 0


def test_scan_works_where_nothing_can_be_cached(tmp_path: Path) -> None:
    """A package in a read-only directory, and no home to put a cache into: compiled for the process alone.

    And by the first call: importing compiles nothing.
    """
    (tmp_path / "stages").mkdir()
    for package, module in (("stages/charset", "bytescan.py"), ("filters", "kernels.py")):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
        (tmp_path / package / module).write_bytes((ROOT / package / module).read_bytes())
        (tmp_path / package / "__pycache__").write_text("a file where numba would put its directory")
    home = tmp_path / "home"
    home.write_text("a file where the cache of the user would be")
    code = (
        "from stages.charset.bytescan import _scan_euc_jp, euc_jp_counts\n"
        "print(_scan_euc_jp.signatures, euc_jp_counts(bytes([0xA4, 0xA2]) * 9).kana)"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "HOME": str(home), "XDG_CACHE_HOME": str(home)}
    environment.pop("NUMBA_CACHE_DIR", None)
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], env=environment, cwd="/", capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("[] 9\n", 0), done.stderr
