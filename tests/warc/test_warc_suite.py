"""Every file of the development suite with both engines, and what is to be said where it is no plain count of pages."""

from __future__ import annotations

import csv

import pytest
from fastwarc.warc import ArchiveIterator, WarcRecordType
from warcio.archiveiterator import ArchiveIterator as WarcioIterator

from stages.errors import InputError
from stages.warc.warc import Damage, Record, read
from tests.runs import SHARED

SUITE = SHARED / "warc-suite"
ENGINES = ("fastwarc", "warcio")

# The files of which the manifest's count of responses is not the answer: records, damages or refusal, and why.
# With each engine the same: an engine is believed only where it agrees with the layout of the file.
EXPLAINED: dict[str, tuple[tuple[int, int] | str, str]] = {
    "warcio/example.arc": ("ARC file", "another format, which warcio converts"),
    "warcio/example.arc.gz": ("ARC file", "the same"),
    "warcio/example-space-in-url.arc": ("ARC file", "the same"),
    "warcio/bad.arc": ("ARC file", "the same"),
    "warcio/example-bad-non-chunked.warc.gz": ("one gzip member over several records", "offsets would point nowhere"),
    "warcio/example-bad.warc.gz.bad": ("one gzip member over several records", "the same"),
    "warcio/example-wrong-chunks.warc.gz": (
        (1, 0),
        "one record over two gzip members, and the next begins with its end",
    ),
    "made/empty.warc.gz": ("zero bytes", "an upload or a download that failed"),
    "made/corrupt-middle.warc.gz": ((35, 1), "warcio alone stops at the 60 flipped bytes, with 14 of 36 read"),
    "made/truncated.warc.gz": ((19, 1), "warcio alone gives the 20th, cut record too, as if it were whole"),
    "whirlwind-python/whirlwind.warc.wat.gz": ("WAT file", "metadata that was taken out of a WARC"),
    "whirlwind-python/whirlwind.warc.wat": ("WAT file", "the same"),
    "whirlwind-python/whirlwind.warc.wet.gz": ("WET file", "texts that were taken out of a WARC"),
    "whirlwind-python/whirlwind.warc.wet": ("WET file", "the same"),
}

# Responses that the engines find by themselves, without `warc.read`, where they differ: fastwarc, warcio, why.
ALONE: dict[str, tuple[str, str, str]] = {
    "warcio/example.arc": ("0, fails", "1", "fastwarc reads no ARC"),
    "warcio/example.arc.gz": ("0, fails", "1", "fastwarc reads no ARC"),
    "warcio/example-space-in-url.arc": ("0, fails", "1", "fastwarc reads no ARC"),
    "warcio/bad.arc": ("0, fails", "3", "fastwarc reads no ARC"),
    "warcio/example-wrong-chunks.warc.gz": ("1", "1, fails", "warcio ends a record where its first gzip member ends"),
    "warcio/example-bad-non-chunked.warc.gz": ("1", "0, fails", "fastwarc does not mind where gzip members begin"),
    "warcio/example-bad.warc.gz.bad": ("2", "0, fails", "fastwarc does not mind where gzip members begin"),
    "warcio/example-trunc.warc": (
        "1, fails",
        "1",
        "a Content-Length 2 too small: warcio takes what is left for a line",
    ),
}

pytestmark = [
    pytest.mark.skipif(not SUITE.exists(), reason="development data (../shared/data) not here"),
    pytest.mark.filterwarnings("ignore"),
]


def suite() -> list[tuple[str, int]]:
    """Files with the number of responses that warcio finds in them."""
    if not SUITE.exists():
        return []
    with (SUITE / "MANIFEST.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    found = [row["warcio_records"].partition('"response": ')[2] for row in rows]
    return [(row["file"], int(n.rstrip("}").split(",")[0]) if n else 0) for row, n in zip(rows, found, strict=True)]


def outcome(name: str, engine: str) -> tuple[int, int] | str:
    try:
        items = list(read(str(SUITE / name), engine))
    except InputError as error:
        return str(error)
    return sum(isinstance(i, Record) for i in items), sum(isinstance(i, Damage) for i in items)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("name", "responses"), suite())
def test_what_comes_out(name: str, responses: int, engine: str) -> None:
    expected = EXPLAINED[name][0] if name in EXPLAINED else (responses, 0)
    found = outcome(name, engine)
    if isinstance(expected, str):
        assert isinstance(found, str) and expected in found
    else:
        assert found == expected


@pytest.mark.parametrize("name", [name for name, _ in suite() if not isinstance(EXPLAINED.get(name, (0,))[0], str)])
def test_engines_agree_to_the_byte(name: str) -> None:
    assert list(read(str(SUITE / name), "fastwarc")) == list(read(str(SUITE / name), "warcio"))


def alone(name: str, engine: str) -> str:
    """What an engine by itself makes of a file: responses, and whether it breaks off."""
    responses = 0
    with (SUITE / name).open("rb") as file:
        try:
            if engine == "fastwarc":
                for record in ArchiveIterator(file, parse_http=False):
                    responses += record.record_type == WarcRecordType.response
            else:
                for record in WarcioIterator(file, no_record_parse=True):
                    responses += record.rec_type == "response"
        except Exception:
            return f"{responses}, fails"
    return str(responses)


@pytest.mark.parametrize("name", [name for name, _ in suite()])
def test_what_engines_make_of_it_by_themselves(name: str) -> None:
    found = alone(name, "fastwarc"), alone(name, "warcio")
    if name in ALONE:
        assert found == ALONE[name][:2]
    else:
        assert found[0] == found[1]


def test_gzip_inside_chunked_gives_html() -> None:
    items = list(read(str(SUITE / "made/gzip-chunked.warc.gz")))
    assert len(items) == 12
    assert all(isinstance(item, Record) and item.body.lstrip().startswith(b"<") for item in items)


def test_length_that_is_too_small_is_mended() -> None:
    (record,) = read(str(SUITE / "warcio/example-trunc.warc"), verify=True)
    assert isinstance(record, Record)
    assert record.body.rstrip().endswith(b"</html>")
