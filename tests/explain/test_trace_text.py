"""`seimai trace` of a file or of what is piped in: a text that is in no run."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from tests.runs import recipe, seimai, source

PROSE = (
    "きょうは川沿いの道を歩きました。桜はまだでしたが、土手には菜の花が咲き、犬を連れた人が何人も通りました。"
    "橋のたもとの茶店で団子を買い、ベンチに座って食べていると、顔見知りの船頭さんが声をかけてくれました。"
    "来月からは渡し舟がまた動くそうです。孫が遊びに来たら、いっしょに乗ってみようと思います。"
)
PAGE = f"<html lang=ja><head><title>川</title></head><body><article><p>{PROSE}</p></article></body></html>"


def test_a_text_shows_every_value_every_edit_and_its_fate(tmp_path: Path) -> None:
    file = tmp_path / "text.txt"
    file.write_text(f"{PROSE}\nﾊﾝｶｸ\u200bです。電話は090-1234-5678まで。\n前の記事｜次の記事\n", encoding="utf-8")
    out = seimai("trace", file).out
    assert "edits: hidden 1, footer 1, forms 1" in out
    assert "[\\u200b]" in out and "[⏎前の記事｜次の記事" in out and "[ﾊﾝｶｸ]" in out and "[ハンカク]" in out
    assert "JA101 hiragana share: 0." in out and "JA602 noun share" in out
    assert "masked when it is written: phone 1" in out
    assert out.splitlines()[-1] == "=> kept by all filters of the default profile"


def test_more_edits_than_fit_are_counted_and_shown_on_demand(tmp_path: Path) -> None:
    file = tmp_path / "text.txt"
    file.write_text(PROSE + "".join(f"第{n}回ﾃｽﾄ、" for n in range(15)), encoding="utf-8")
    assert "forms: and 5 more (--all shows them)" in seimai("trace", file).out
    assert seimai("trace", file, "--all").out.count("forms +") == 15


@pytest.mark.parametrize("encoding", ["utf-8", "cp932", "euc-jp"])
def test_a_page_is_decoded_and_extracted_first(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(PAGE.encode(encoding))))
    out = seimai("trace", "-").out
    assert out.startswith("standard input\n  an HTML page in ")
    assert out.splitlines()[-1] == "=> kept by all filters of the default profile"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("短い。".encode(), "=> rejected by JA201"),
        (b"", "=> rejected by JA001"),
        (b"<html><body><p>Nothing Japanese here.</p></body></html>", "passed.not-japanese"),
        (f"<html><body><nav><a href=x>{'リンクです' * 9}</a></nav></body></html>".encode(), "=> "),
    ],
)
def test_a_text_that_goes_says_why(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "x").write_bytes(content)
    ran = seimai("trace", tmp_path / "x")
    assert (ran.code, ran.err) == (0, "")
    assert said in ran.out


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"\x82\xa0\x82", "byte 0: not UTF-8"), (b"\x1f\x8b\x08", "dry-run"), (None, "is a directory")],
)
def test_what_is_no_text_is_answered_in_one_line(tmp_path: Path, content: bytes | None, said: str) -> None:
    target = tmp_path / "x"
    if content is None:
        target.mkdir()
    else:
        target.write_bytes(content)
    ran = seimai("trace", target)
    assert ran.code == 2
    assert said in ran.err and "Traceback" not in ran.err


def test_the_bounds_and_measures_of_a_recipe_are_used_where_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("菜の花", encoding="utf-8")
    (tmp_path / "hosts.txt").write_text("example.com", encoding="utf-8")
    (tmp_path / "a.jsonl").write_text("", encoding="utf-8")
    own = """
[[measure]]
name = "flowers"
kind = "list"
path = "words.txt"
at_most = 0.01
because = "a test"

[[measure]]
name = "where"
kind = "hosts"
path = "hosts.txt"
at_most = 0
because = "a test"
"""
    made = recipe(tmp_path, source("a", "jsonl", "a.jsonl", license="CC0-1.0") + own)
    (tmp_path / "x").write_text(PROSE, encoding="utf-8")
    out = seimai("trace", tmp_path / "x", "--run", made).out
    assert "x own.flowers a measure of the recipe" in out
    assert "own.where" not in out
    assert "=> rejected by own.flowers" in out
