"""e-Gov 法令. Samples, written for these tests, in data/egov/: a law with one of each provision, answers of the API."""

from __future__ import annotations

import hashlib
import io
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from stages.base import InputError, Inputs, SourceFile, document_id
from stages.readers.egov import LICENSE, ExtractEgov
from stages.readers.egov_law import LawError, law, parse
from tests.runs import ROOT
from tests.sinks import MemorySink, run

DATA = ROOT / "tests" / "data" / "egov"
BARE = (DATA / "bare_law.xml").read_bytes()
REVISION = "503AC0000000901_20230401_504AC0000000902"


def extract(path: Path, stage: ExtractEgov | None = None, *, head: bool = False) -> MemorySink:
    data = path.read_bytes()
    file = SourceFile(str(path), hashlib.sha256(data).hexdigest(), len(data), head=head)
    sink = run(stage or ExtractEgov(), Inputs(file=file))
    assert sink.counters["records"] == sink.counters["rows"] + sink.counters["quarantined"]
    assert sink.counters["rows"] == sink.table().num_rows
    return sink


def put(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def zipped(*members: tuple[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return buffer.getvalue()


def text_of(body: str, *, supplementary: bool = True) -> str:
    """The lines of a law behind its title."""
    xml = f"<Law><LawNum/><LawBody><LawTitle>法</LawTitle>{body}</LawBody></Law>"
    return law(parse(xml.encode("utf-8", "surrogatepass")), supplementary=supplementary).text.removeprefix("法\n")


MAIN_PROVISION = """公園の利用に関する法律
令和三年法律第九百一号
公園の利用に関する法律をここに公布する。
第一章　総則
（目的）
第一条　この法律は、公園の芝及び樹木を保護することを目的とする。ただし、私有地については、この限りでない。
２　この法律において、次の各号に掲げる用語の意義は、当該各号に定めるところによる。
一　利用者　公園を利用する者をいう。
イ　散歩をする者
第二条　面積は、次の式による。
橋の下は、面積に算入しない。
一辺をＡ×Ｂとする。
第三条　削除
"""
SUPPLEMENTARY = """附　則
この法律は、公布の日から施行する。
附　則（令和四年四月一日法律第九〇二号）　抄
（施行期日）
第一条　この法律は、令和五年四月一日から施行する。
"""
APPENDIX = """別表第一（第二条関係）
一　池の水は、毎年抜くものとする。"""


def test_a_law_reads_as_a_collection_of_laws_prints_it() -> None:
    (row,) = extract(DATA / "bare_law.xml").rows()
    assert row["text"] == MAIN_PROVISION + SUPPLEMENTARY + APPENDIX
    assert (row["title"], row["record"]) == ("公園の利用に関する法律", "令和三年法律第九百一号")
    assert (row["url"], row["date"], row["license"], row["charset"]) == ("", "", LICENSE, "utf-8")


def test_without_the_supplementary_provisions() -> None:
    (row,) = extract(DATA / "bare_law.xml", ExtractEgov(supplementary=False)).rows()
    assert row["text"] == MAIN_PROVISION + APPENDIX


def test_the_name_of_a_file_of_the_bulk_download_tells_id_and_date(tmp_path: Path) -> None:
    (row,) = extract(put(tmp_path / f"{REVISION}.xml", BARE)).rows()
    assert row["url"] == "https://laws.e-gov.go.jp/law/503AC0000000901"
    assert (row["record"], row["date"], row["host"]) == (REVISION, "2023-04-01T00:00:00Z", "laws.e-gov.go.jp")
    assert row["id"] == document_id("egov", REVISION)


@pytest.mark.parametrize(
    ("sample", "record", "date"),
    [("api_v1_answer", "503AC0000000901", ""), ("api_v2_answer", REVISION, "2023-04-01T00:00:00Z")],
)
def test_an_answer_of_the_api_says_which_law_it_is(sample: str, record: str, date: str) -> None:
    (row,) = extract(DATA / f"{sample}.xml").rows()
    assert row["text"] == "公園の利用に関する法律\n令和三年法律第九百一号\n公園は、静かに利用しなければならない。"
    assert (row["record"], row["date"]) == (record, date)
    assert row["url"] == "https://laws.e-gov.go.jp/law/503AC0000000901"


def test_an_archive_is_one_document_a_law_and_a_broken_one_costs_itself(tmp_path: Path) -> None:
    path = put(
        tmp_path / "all_xml.zip",
        zipped(
            (f"{REVISION}/{REVISION}.xml", BARE),
            ("all_law_list.csv", b"x"),
            ("broken.xml", BARE[:500]),
            ("other.xml", b"<html/>"),
            ("again/503AC0000000901.xml", BARE),
            ("again/2/503AC0000000901.xml", BARE),
        ),
    )
    sink = extract(path)
    assert [row["record"] for row in sink.rows()] == [REVISION, "503AC0000000901", "503AC0000000901"]
    assert len({str(row["id"]) for row in sink.rows()}) == 3
    assert [record["where"] for record in sink.quarantined] == ["all_xml.zip: broken.xml", "all_xml.zip: other.xml"]
    assert "no <Law> in it but <html>" in sink.quarantined[1]["error"]
    assert len(extract(path, ExtractEgov(sample=1)).rows()) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "broken XML"),
        (BARE[:-30], "broken XML"),
        ((DATA / "api_v1_error.xml").read_bytes(), "該当する法令がありません"),
        ((DATA / "doctype_with_entities.xml").read_bytes(), "it has a DOCTYPE"),
        (b"<Law><LawNum/></Law>", "no <LawBody>"),
        (b"<a>" * 100_000, "broken XML"),
        (zipped(("a.txt", b"")), "a zip archive without an .xml"),
        (zipped(("a.xml", BARE))[:-30], "a zip archive that cannot be read"),
    ],
)
def test_a_file_that_cannot_be_used_gives_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message) as raised:
        extract(put(tmp_path / "law.xml", content))
    assert "law.xml" in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


def test_of_a_zip_whose_end_was_not_fetched_the_message_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="only its beginning was fetched"):
        extract(put(tmp_path / "w.zip", zipped(("a.xml", BARE))[:100]), head=True)


def test_entities_of_a_document_type_are_neither_expanded_nor_fetched(tmp_path: Path) -> None:
    secret = put(tmp_path / "secret", "秘密".encode())
    for entity in (f'SYSTEM "file://{secret}"', '"公園"'):
        xml = f"<!DOCTYPE Law [<!ENTITY x {entity}>]><Law><LawBody><LawTitle>&x;</LawTitle></LawBody></Law>"
        with pytest.raises(LawError, match="DOCTYPE"):
            parse(xml.encode())


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<TOC><TOCLabel>目次</TOCLabel></TOC><MainProvision><PartTitle>第一編　総則</PartTitle></MainProvision>", "第一編　総則"),
        ("<Preamble><Paragraph><ParagraphNum/><ParagraphSentence><Sentence>われらは、誓う。</Sentence></ParagraphSentence></Paragraph></Preamble>", "われらは、誓う。"),
        ("<Article><ArticleTitle>第四条から第六条まで</ArticleTitle></Article>", "第四条から第六条まで"),
        ("<Sentence>二<Sup>２</Sup>と<Ruby>堰<Rt>せき</Rt></Ruby>の<Fig src='x'/>水</Sentence>", "二２と堰の水"),
        ("<Sentence>一\n      二</Sentence>", "一二"),
        ("<AppdxTable><AppdxTableTitle>別表</AppdxTableTitle><TableStruct><Table><TableRow><TableColumn><Sentence>一円</Sentence></TableColumn></TableRow></Table></TableStruct></AppdxTable>", ""),
        ("<TableStruct><Table><TableRow><TableColumn><Item><ItemTitle>一</ItemTitle><ItemSentence><Sentence>甲とする。</Sentence></ItemSentence></Item><Item><ItemTitle>二</ItemTitle><ItemSentence><Sentence>乙</Sentence></ItemSentence></Item></TableColumn></TableRow></Table><Remarks><RemarksLabel>備考</RemarksLabel><Sentence>丙は、丁とする。</Sentence></Remarks></TableStruct>", "一　甲とする。\n二　乙\n備考\n丙は、丁とする。"),
        ("<AmendProvision><AmendProvisionSentence><Sentence>次のように改める。</Sentence></AmendProvisionSentence><NewProvision><Article><ArticleTitle>第五条</ArticleTitle><Paragraph><ParagraphNum/><ParagraphSentence><Sentence>改めた。</Sentence></ParagraphSentence></Paragraph></Article></NewProvision></AmendProvision>", "次のように改める。\n第五条　改めた。"),
        ("<Unknown><Another>知らない要素の文。</Another></Unknown>", "知らない要素の文。"),
    ],
)  # fmt: skip
def test_each_kind_of_provision(body: str, text: str) -> None:
    assert text_of(body) == (text or "法")


def test_elements_nested_too_deep_are_refused() -> None:
    with pytest.raises(LawError, match="nested over"):
        text_of("<Item>" * 100 + "</Item>" * 100)


_TAGS = ["Article", "Paragraph", "ParagraphSentence", "Sentence", "Item", "ItemTitle", "TableStruct", "TableRow", "TableColumn", "SupplProvision", "AppdxTable", "Rt", "Column", "X"]  # fmt: skip


@given(
    st.recursive(
        st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=4).map(
            lambda text: text.replace("&", "＆").replace("<", "＜")
        ),
        lambda inner: st.tuples(st.sampled_from(_TAGS), st.lists(inner, max_size=3)).map(
            lambda made: f"<{made[0]}>{''.join(made[1])}</{made[0]}>"
        ),
        max_leaves=15,
    )
)
def test_any_elements_give_lines(body: str) -> None:
    try:
        text = text_of(f"<X>{body}</X>")
    except LawError:  # a noncharacter that XML does not have
        return
    assert "\n\n" not in text


def test_a_long_law_takes_linear_time() -> None:
    article = etree.tostring(etree.fromstring(BARE).find(".//Article"), encoding="unicode")
    began = time.process_time()
    text_of(f"<MainProvision>{article * 2000}</MainProvision>")
    text_of(f"<Sentence>{'<Ruby>字<Rt>じ</Rt></Ruby>' * 20_000}</Sentence>")
    text_of(f"<X>{'<Sentence/>' * 50_000}</X>")
    assert time.process_time() - began < 8  # quadratic would take minutes


def test_a_sample_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="sample = -1: give"):
        ExtractEgov(sample=-1)
