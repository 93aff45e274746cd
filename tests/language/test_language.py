from __future__ import annotations

import json
import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.edits.edits import EDITS_TYPE
from stages.language.hanzi import KIND_OF, Kind
from stages.language.language import Language, Score, score
from stages.language.lid import BUILT_IN, identify, model_path
from stages.language.paragraphs import KANJI_PER_SIGN, LATIN_PER_JAPANESE, SHORT, evidence
from tests.runs import SHARED
from tests.sinks import MemorySink

ANY = st.text(st.characters(exclude_categories=()), max_size=300)  # lone surrogates included
LETTERS = st.text("のはがを食国気这說的我あイヲノハ한яaz（）() 　、。\n", max_size=120)
ENGLISH = "The quick brown fox jumps over the lazy dog while the maintainer reads the manual once more. "


def judged(text: str, title: str = "", declared: str = "") -> Score:
    return score(text, identify(text, model_path(BUILT_IN)).japanese, title, declared)


# Evidence


@pytest.mark.parametrize(
    ("character", "kind"),
    [
        *((c, Kind.SIMPLIFIED) for c in "这说发们语"),
        *((c, Kind.TRADITIONAL) for c in "說產妳你她呢"),
        *((c, Kind.JAPANESE_FORM) for c in "気図対発広働込峠"),
        *((c, Kind.KANJI) for c in "日本国學體發愠々〆𠮷"),  # in two countries, or in no national set
        *((c, Kind.FUNCTION) for c in "的是了我"),
        *((c, Kind.KATAKANA) for c in "ーアッ"),
    ],
)
def test_ideographs_belong_to_the_country_that_encodes_them(character: str, kind: Kind) -> None:
    assert KIND_OF[ord(character)] == kind


@pytest.mark.parametrize("text", ["食べる", "犬が", "Pythonは", "です", "之ヲ", "帝国ハ万世", "漢字（かんじ）を"])
def test_grammar_makes_a_paragraph_japanese(text: str) -> None:
    text += "漢字" * 5  # more kanji than kana, none of them of one country
    found = evidence(text)
    assert found.in_japanese == found.letters


@pytest.mark.parametrize("text", ["優の良品", "漢字（かんじ）", "漢字(かん じ)", "ソニー", "漢", "帝国ノ。", "は"])
def test_what_is_no_grammar_does_not(text: str) -> None:
    assert evidence(text + "漢字" * 5).in_japanese == 0


def test_readings_in_brackets_are_not_counted() -> None:
    assert evidence("東京（とうきょう）と大阪(オオサカ)") == evidence("東京と大阪")
    assert evidence("東京（とうきょう、江戸）").kana == 5, "more than a reading stands there"
    assert evidence("彼（かれ").kana == 2, "a bracket that never closes"


def test_one_sign_of_japanese_does_not_carry_any_number_of_kanji() -> None:
    assert evidence("食べる" + "漢" * 13).in_japanese
    assert not evidence("食べる" + "漢" * 15).in_japanese


def test_short_lines_are_judged_with_those_after_them() -> None:
    heading, sentence = "第三章\n", "むかしむかし、おじいさんとおばあさんがいました。"
    assert evidence(heading + sentence).in_japanese == evidence(heading + sentence).letters
    long_heading = "漢" * SHORT + "\n"
    assert evidence(long_heading + sentence).in_japanese == evidence(sentence).letters


def test_a_line_does_not_continue_the_word_before_it() -> None:
    assert not evidence("漢" * 9 + "\nは\n" + "漢" * 9).in_japanese


@given(LETTERS, LETTERS)
def test_paragraphs_that_are_long_enough_are_judged_apart(text: str, other: str) -> None:
    first = text + "\n" + "ん" * SHORT
    both = evidence(first + "\n" + other)
    assert both == tuple(one + two for one, two in zip(evidence(first), evidence(other), strict=True))


def naive_evidence(text: str) -> tuple[int, ...]:
    """`evidence` by regular expressions over the kinds, written as letters in the order of `Kind`: a is OTHER."""
    special = {"ヲ": "w", " ": "s", "\u3000": "s"}
    kinds = "".join(special.get(c) or chr(ord("a") + KIND_OF[ord(c)]) for c in text)
    while (without := re.sub("(?<=[j-n])c[e-iws]*d", "", kinds)) != kinds:
        kinds = without
    paragraphs = [""]
    for line in kinds.split("b"):
        if len(re.findall("[e-qw]", paragraphs[-1])) >= SHORT:
            paragraphs.append(line)
        else:
            paragraphs[-1] += "b" + line
    return tuple(map(sum, zip(*map(naive_paragraph, paragraphs), strict=True)))


def naive_paragraph(kinds: str) -> tuple[int, ...]:
    def count(pattern: str) -> int:
        return len(re.findall(pattern, kinds))

    okurigana, words, particles = "(?<=[j-n])[ef](?![efg])", "[efg]{2,}", "(?<![b-gj-n])(?<!^)f(?![efg])"
    after_bracket = "(?<=[cd])f(?![efg])"
    katakana = "(?<=[j-n])(?:w[hiw]?|i(?=[j-n]))(?![hiw])"
    grammar = sum(map(count, (okurigana, words, particles, after_bracket, katakana)))
    kana, kanji, native, latin, foreign = map(count, ("[e-iw]", "[j-n]", "k", "o", "[pq]"))
    chinese = count("[lm]") + (count("n") if count("n") > grammar else 0)
    japanese, letters = kana + kanji, kana + kanji + latin + foreign
    signs = grammar + native
    enough = kana > kanji or (signs and kanji <= KANJI_PER_SIGN * signs)
    outweighed = chinese > signs or foreign >= japanese or latin > LATIN_PER_JAPANESE * japanese
    if enough and not outweighed:
        return letters, kana, native, foreign, letters, japanese, 0, 0
    return letters, kana, native, foreign, 0, 0, kanji if chinese > native else 0, latin


@given(LETTERS)
def test_the_kernel_counts_as_its_naive_twin_does(text: str) -> None:
    assert evidence(text) == naive_evidence(text)


@given(ANY)
def test_evidence_is_consistent_for_any_text(text: str) -> None:
    found = evidence(text)
    assert all(value >= 0 for value in found)
    assert found.japanese <= found.in_japanese <= found.letters <= len(text)
    assert found.in_japanese + found.chinese + found.latin <= found.letters
    assert found == evidence(text)


# Score


@given(ANY, st.floats(0, 1), ANY, ANY)
def test_any_text_has_a_score_between_0_and_1(text: str, model_says: float, title: str, declared: str) -> None:
    found = score(text, model_says, title, declared)
    assert 0.0 <= found.japanese <= 1.0
    assert 0.0 <= found.paragraphs <= 1.0


@given(LETTERS, st.floats(0, 1), st.floats(0, 1))
def test_a_model_that_is_surer_never_lowers_the_score(text: str, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert score(text, low).japanese <= score(text, high).japanese


def test_the_model_alone_makes_nothing_japanese_without_kana_or_japanese_forms() -> None:
    assert score("開会。", 0.97).japanese == 0.0
    assert score("図書館", 0.97).japanese == pytest.approx(0.985, abs=0.02)
    assert score("图书馆里的図書", 0.97).japanese < 0.5, "a Chinese text may quote"


def test_what_is_mostly_kana_needs_no_model() -> None:
    assert score("てタ", 0.0).japanese >= 0.5
    assert score("タ a b", 0.0).japanese < 0.5


def test_a_page_that_says_it_is_japanese_is_forgiven_its_latin() -> None:
    manual = ENGLISH * 5 + "\nヘルプ\n"
    assert judged(manual).japanese < 0.5
    assert judged(manual, declared="ja-JP").japanese >= 0.5
    assert judged(manual, title="設定を変更する方法").japanese >= 0.5
    assert judged(manual, title="設定を変更する方法", declared="en").japanese < 0.5
    assert judged(manual, declared="ja").paragraphs < 0.1, "what it is made of is told all the same"


def test_saying_so_is_not_enough() -> None:
    assert judged(ENGLISH * 5, title="Manual", declared="ja").japanese < 0.5
    assert judged("我们公司成立于一九九八年，主要生产各种电子产品の。" * 3, "会社案内のページ", "ja").japanese < 0.5
    assert judged("스타필드는 오늘 새로운 매장을 열었습니다. ありがとう", "お知らせです", "ja").japanese < 0.5


def test_a_page_of_another_language_needs_a_third_of_its_letters_in_japanese() -> None:
    text = ENGLISH * 2 + "\n" + "日本語の文がひとつあります。" * 2
    assert judged(text).japanese >= 0.5
    assert judged(text, declared="en").japanese < 0.5


def test_a_template_with_a_wrong_language_does_not_cost_a_japanese_page() -> None:
    assert judged("昨日は友人と京都へ行きました。紅葉がとてもきれいでした。", "日記", "en-US").japanese >= 0.9


@pytest.mark.skipif(not SHARED.exists(), reason="needs the development data beside the checkout")
def test_the_labelled_sentences() -> None:
    """Japanese against the rest, sentences of 20 characters and more: F1 and Chinese taken for Japanese."""
    rows = [json.loads(line) for line in (SHARED / "text" / "lid.jsonl").read_bytes().splitlines()]
    called = [(row["lang"], len(row["text"]) >= 20, judged(row["text"]).japanese >= 0.5) for row in rows]
    long = [(lang == "ja", said) for lang, is_long, said in called if is_long]
    hits = sum(is_ja and said for is_ja, said in long)
    precision, recall = hits / sum(said for _, said in long), hits / sum(is_ja for is_ja, _ in long)
    assert 2 * precision * recall / (precision + recall) >= 0.99
    chinese = [said for lang, _, said in called if lang.startswith("zh")]
    assert len(chinese) == 1173
    assert sum(chinese) <= 0.01 * len(chinese)


# Stage


def test_the_stage_reads_edited_text_title_and_declared_language() -> None:
    texts = ["ﾃｽﾄ　です。きょうは晴れです。", ENGLISH + "ヘルプ", "", "谢谢你们的支持"]
    edits = [[{"start": 0, "end": 3, "text": "テスト"}], [], [], []]
    extract = {"text": texts, "title": ["", "説明書です", "", ""], "declared_language": ["", "ja", "", "ja"]}
    stage = Language()
    whole = {"extract": pa.table(extract), "edits": pa.table({"edits": pa.array(edits, EDITS_TYPE)})}
    table = stage.rows({name: whole[name].select(columns) for name, columns in stage.reads.items()}, MemorySink({}))
    assert table.schema.equals(stage.schema)
    assert [round(value, 2) >= 0.5 for value in table["japanese"].to_pylist()] == [True, True, False, False]
    assert table["language"].to_pylist() == ["ja", "en", "", "zh"]
    assert table["japanese_paragraphs"].to_pylist() == [1.0, 0.0, 0.0, 0.0]


def test_a_column_is_told_for_no_rows_too() -> None:
    empty = {"text": pa.array([], pa.string()), "title": pa.array([], pa.string())}
    empty["declared_language"] = pa.array([], pa.string())
    batch = {"extract": pa.table(empty), "edits": pa.table({"edits": pa.array([], EDITS_TYPE)})}
    assert Language().rows(batch, MemorySink({})).num_rows == 0
