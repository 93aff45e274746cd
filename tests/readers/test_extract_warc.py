from __future__ import annotations

import dataclasses
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from stages.base import InputError, Inputs, document_id
from stages.caps import Caps
from stages.documents import EXTRACT_REASONS, PASSED_REASONS, document
from stages.gate import triage
from stages.guard import Guard
from stages.readers import output, warc
from stages.readers.warc import ExtractWarc
from tests.runs import ROOT
from tests.sinks import MemorySink, run
from tests.warcs import PROSE, Response, compress, encoded, html, inputs, record_id, write

JAPANESE = Response(html(), url="https://example.jp/猫")
ENGLISH = Response(b"<html><body><p>" + b"The cat sat on the mat. " * 20 + b"</p></body></html>")
HTML = {"Content-Type": "text/html"}


def law_holds(sink: MemorySink) -> bool:
    """Nothing is lost in silence: the counters add up, and so do the rows behind them."""
    counters = sink.counters
    passed = {name: n for name, n in counters.items() if name.startswith("passed.")}
    assert set(passed) <= set(PASSED_REASONS)
    assert len(sink.rows()) == counters["rows"]
    assert len(sink.rows("passed")) == sum(passed.values())
    assert len(sink.quarantined) == counters["quarantined"]
    return counters["records"] == sum(passed.values()) + counters["rows"] + counters["quarantined"]


def test_row_of_a_japanese_page(tmp_path: Path) -> None:
    path = write(tmp_path / "a.warc.gz", ENGLISH, JAPANESE)
    sink = run(ExtractWarc(), inputs(path, sha256="0123456789abcdef" + "0" * 48))
    (passed,) = sink.rows("passed")
    (row,) = sink.rows()
    assert row == document(
        id=document_id(record_id(1)),
        url="https://example.jp/猫",
        host="example.jp",
        title="題",
        date="2024-06-15T00:00:01Z",
        text=PROSE * 5,
        origin="0123456789abcdef",
        offset=row["offset"],
        record=record_id(1),
        length=len(compress(encoded(JAPANESE, 1))),
        mime="text/html",
        charset="utf-8",
        charset_by="bytes",
        declared_charset="utf-8",
        declared_language="ja",
    )
    assert passed == {
        "url_hash": hashlib.blake2b(ENGLISH.url.encode(), digest_size=8).digest(),
        "offset": 0,
        "reason": "passed.not-japanese",
    }
    assert law_holds(sink)


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (Response(status="404 Not Found"), "passed.status"),
        (Response(status="301 Moved"), "passed.status"),
        (Response(headers={"Content-Type": "application/rss+xml"}), "passed.mime"),
        (Response(headers={"Content-Type": "image/png"}, body=b"\x89PNG"), "passed.mime"),
        (Response(headers={}, body=PROSE.encode()), "passed.mime"),
        (Response(headers=HTML | {"Content-Encoding": "compress"}, body=b"\x1f\x9d\x90"), "passed.encoding"),
        (Response(body=b""), "passed.empty"),
        (Response(body=b" \r\n\t"), "passed.empty"),
        (ENGLISH, "passed.not-japanese"),
        (Response(html("日本語")), "passed.not-japanese"),
        (Response(html(PROSE[:12] + "English documentation. " * 200)), "passed.not-japanese"),
    ],
)
def test_reason_for_passing_a_record_by(tmp_path: Path, response: Response, reason: str) -> None:
    sink = run(ExtractWarc(), inputs(write(tmp_path / "a.warc.gz", response)))
    assert [row["reason"] for row in sink.rows("passed")] == [reason]
    assert sink.counters[reason] == 1
    assert law_holds(sink)


@pytest.mark.parametrize("mime", ["text/html", "application/xhtml+xml", "TEXT/HTML;charset=EUC-JP", None])
def test_html_is_known_by_its_type_or_without_one_by_its_look(tmp_path: Path, mime: str | None) -> None:
    response = Response(headers={"Content-Type": mime} if mime else {})
    assert run(ExtractWarc(), inputs(write(tmp_path / "a.warc.gz", response))).counters["rows"] == 1


@pytest.mark.parametrize("codec", ["utf-8", "cp932", "euc_jp", "iso2022_jp", "utf-16"])
def test_false_charsets_are_not_believed(tmp_path: Path, codec: str) -> None:
    body = f"<html><head><meta charset=iso-8859-1></head><body><p>{PROSE * 5}</p></body></html>".encode(codec)
    response = Response(body, headers={"Content-Type": "text/html; charset=gb2312"})
    (row,) = run(ExtractWarc(), inputs(write(tmp_path / "a.warc.gz", response))).rows()
    assert (row["text"], row["replaced"]) == (PROSE * 5, 0)


def test_replaced_characters_are_counted(tmp_path: Path) -> None:
    body = html().replace("猫".encode(), b"\xe7\x8c", 3)
    (row,) = run(ExtractWarc(), inputs(write(tmp_path / "a.warc.gz", Response(body)))).rows()
    assert row["replaced"] == 3


@pytest.mark.parametrize(
    ("caps", "body", "reason"),
    [
        ({"max_characters": 100}, html(), "extract.too-large"),
        ({"max_elements": 4}, html(), "extract.too-large"),
        ({"max_depth": 2}, html(), "extract.too-deep"),
        ({"max_levels": 10}, html(), "extract.too-deep"),
        ({"max_text_node": 100}, html(), "extract.too-large"),
        ({"max_links_in_block": 1}, html("<a href=/1>一</a><a href=/2>二</a>" + PROSE), "extract.too-many-links"),
        ({}, html("", title=PROSE), "extract.empty"),
    ],
)
def test_page_without_text_is_a_row_with_its_reason(
    tmp_path: Path, caps: dict[str, int], body: bytes, reason: str
) -> None:
    path = write(tmp_path / "a.warc.gz", Response(body), JAPANESE if not caps else ENGLISH)
    sink = run(ExtractWarc(**caps), inputs(path))  # type: ignore[arg-type]
    assert (sink.rows()[0]["reason"], sink.rows()[0]["text"]) == (reason, "")
    assert reason in EXTRACT_REASONS
    assert sink.reasons == {reason: 1}
    assert law_holds(sink)


def test_default_caps_are_those_of_the_parser() -> None:
    stage = ExtractWarc()
    assert {f"max_{name}": cap for name, cap in dataclasses.asdict(Caps()).items()}.items() <= stage.params().items()


def test_limits_of_the_net_do_not_change_the_fingerprint() -> None:
    assert ExtractWarc(deadline=600.0, memory=8 << 30).params() == ExtractWarc().params()


@pytest.mark.parametrize("limits", [{"deadline": 0.001}, {"memory": 1 << 20}])
def test_limits_so_low_that_they_would_decide_are_refused(limits: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be at least"):
        ExtractWarc(**limits)


def test_a_page_that_our_own_rules_cannot_read_costs_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(stripped: str, least: int) -> bool:
        if "毒" in stripped:
            raise ValueError("boom")
        return True

    monkeypatch.setattr(triage.markup, "is_japanese", explode)
    poison = Response(html(PROSE + "毒"))
    sink = run(ExtractWarc(), inputs(write(tmp_path / "a.warc.gz", JAPANESE, poison, JAPANESE)))
    assert sink.counters == {"records": 3, "rows": 2, "quarantined": 1, "lost.raised": 1}
    assert law_holds(sink)


def test_a_character_reference_of_five_thousand_digits_is_text(tmp_path: Path) -> None:
    endless = Response(html(PROSE + "&#" + "1" * 5000 + ";"))
    sink = run(ExtractWarc(), inputs(write(tmp_path / "a.warc.gz", endless)))
    assert sink.counters["rows"] == 1


def test_a_full_disk_is_not_the_fault_of_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(triage.markup, "strip", full)
    with pytest.raises(OSError, match="No space left"):
        run(ExtractWarc(), inputs(write(tmp_path / "a.warc.gz", JAPANESE)))


def test_poison_page_costs_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net = Guard("tests.guard_targets:extract_unless_poisoned")
    monkeypatch.setattr(warc, "guard", lambda *_, **__: net)
    poison = Response(html(PROSE + "毒"), url="https://example.jp/毒")
    sink = run(ExtractWarc(), inputs(write(tmp_path / "a.warc.gz", JAPANESE, poison, JAPANESE)))
    net.close()
    assert sink.counters == {"records": 3, "rows": 2, "quarantined": 1, "lost.raised": 1}
    (lost,) = sink.quarantined
    assert lost["id"] == document_id(record_id(1)).hex()
    assert lost["url"] == "https://example.jp/毒"
    assert lost["where"].startswith("a.warc.gz at byte ")
    assert lost["error"] == "raised: ValueError: 毒"
    assert law_holds(sink)


def test_deadline_quarantines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warc, "MIN_DEADLINE", 0.0)
    sink = run(ExtractWarc(deadline=1e-6), inputs(write(tmp_path / "a.warc.gz", JAPANESE, ENGLISH)))
    assert sink.quarantined[0]["error"].startswith("deadline: ")
    assert law_holds(sink)


def test_damaged_record_is_quarantined_with_its_offset(tmp_path: Path) -> None:
    path = write(tmp_path / "a.warc.gz", JAPANESE, JAPANESE, JAPANESE)
    offsets = [row["offset"] for row in run(ExtractWarc(), inputs(path)).rows()]
    data = bytearray(path.read_bytes())
    data[int(str(offsets[1])) + 30] ^= 0xFF
    path.write_bytes(data)
    sink = run(ExtractWarc(), inputs(path))
    assert [row["offset"] for row in sink.rows()] == [offsets[0], offsets[2]]
    assert sink.quarantined[0]["where"] == f"a.warc.gz at byte {offsets[1]}"
    assert (sink.quarantined[0]["id"], sink.counters["records"]) == ("", 3)
    assert law_holds(sink)


def test_ids_never_collide_within_a_file(tmp_path: Path) -> None:
    twin = Response(id="urn:uuid:twin")
    path = write(tmp_path / "a.warc.gz", twin, twin, Response(id=None), Response(id=None), twin)
    ids = [row["id"] for row in run(ExtractWarc(), inputs(path)).rows()]
    assert len(set(ids)) == 5
    assert ids[0] == document_id("urn:uuid:twin")
    assert ids == [row["id"] for row in run(ExtractWarc(), inputs(path)).rows()]


def test_identity_does_not_depend_on_name_or_place_in_the_file(tmp_path: Path) -> None:
    mine = Response(id="urn:uuid:mine")
    one = run(ExtractWarc(), inputs(write(tmp_path / "a.warc.gz", mine))).rows()
    two = run(ExtractWarc(), inputs(write(tmp_path / "b.warc", JAPANESE, mine, gzip=False), "cd" * 32)).rows()
    assert one[0]["id"] == two[1]["id"]


def test_engines_give_the_same_rows(tmp_path: Path) -> None:
    path = write(tmp_path / "a.warc.gz", JAPANESE, ENGLISH, Response(status="500 x"), JAPANESE)
    one, two = (run(ExtractWarc(engine=engine), inputs(path)) for engine in ("fastwarc", "warcio"))
    assert (one.rows(), one.rows("passed")) == (two.rows(), two.rows("passed"))


def test_many_records_are_written_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.warc.gz", *([JAPANESE, ENGLISH] * 5))
    whole = run(ExtractWarc(), inputs(path))
    monkeypatch.setattr(output, "BUFFER", 1)
    assert run(ExtractWarc(), inputs(path)).rows() == whole.rows()
    assert len(whole.rows()) == 5


def test_sample_takes_the_lowest_ids_of_the_head_in_file_order(tmp_path: Path) -> None:
    head = [JAPANESE if n % 2 else ENGLISH for n in range(40)]
    path = write(tmp_path / "a.warc.gz", *head, *[JAPANESE] * 5)
    whole = run(ExtractWarc(), inputs(path)).rows()
    lowest = sorted(str(bytes.hex(row["id"])) for row in whole[:20])[:2]  # type: ignore[arg-type]
    sink = run(ExtractWarc(sample=2), inputs(path))
    assert sink.rows() == [row for row in whole[:20] if bytes.hex(row["id"]) in lowest]  # type: ignore[arg-type]
    assert sink.counters == {"records": 2, "rows": 2}


def test_sample_larger_than_the_file_is_the_japanese_pages(tmp_path: Path) -> None:
    path = write(tmp_path / "a.warc.gz", JAPANESE, ENGLISH)
    assert len(run(ExtractWarc(sample=10), inputs(path)).rows()) == 1


def test_bad_parameters_and_inputs_are_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="sample = -1"):
        ExtractWarc(sample=-1)
    with pytest.raises(InputError, match="no WARC file"):
        run(ExtractWarc(), Inputs())
    (tmp_path / "empty.warc.gz").touch()
    with pytest.raises(InputError, match="empty"):
        run(ExtractWarc(), inputs(tmp_path / "empty.warc.gz"))


def test_naming_the_stage_does_not_load_the_parser() -> None:
    """The command line knows every stage; only the child needs trafilatura."""
    code = "import sys, stages.readers.warc; print('trafilatura' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
