"""Japanese sentences: texts and where they are cut."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filters.sentences import split
from tests import plain_sentences

# Name -> text with ¦ where a sentence ends.
TABLE = {
    "two sentences": "雨が降った。¦風も吹いた。",
    "no mark at the end": "雨が降った。¦風も",
    "marks in a row": "本当！？¦すごい！！",
    "half-width marks": "雨が降った｡¦本当?¦うん!¦そう",
    "an ellipsis of 。 is one end": "そうか。。。¦わかった。",
    "an ellipsis is no end": "そう……だね。¦そうですね...はい。",
    "a line break ends a sentence": "見出し\n¦本文です。",
    "empty lines are none": "\n\n　\n本文です。\n",
    "quoted speech goes on with と": "「行くよ。」と言った。¦次。",
    "quoted speech goes on with って": "「もう嫌！」って叫んだ。",
    "quoted speech goes on with a comma": "「はい。」、「いいえ。」の順。",
    "quoted speech ends": "「行くよ。」¦彼は笑った。",
    "と of ところが starts a sentence": "「はい。」¦ところが来ない。",
    "sentences within a quotation stay": "「雨だ。風だ。」と言った。",
    "a quotation within a quotation": "「彼は『行くよ。』と言った。」と聞いた。",
    "a quotation that starts with a quotation": "「『行くよ。』彼は笑った。」と聞いた。",
    "turns of a dialogue": "「遅いね。」¦「もう帰ろう」と話す。",
    "turns without a mark at the end": "「いや、知らん」¦「そうか」",
    "titles side by side are a list": "『雪国』『伊豆の踊子』を読む。",
    "an aside in brackets": "彼は（驚いた。）黙っていた。",
    "a sentence in brackets": "来た。¦（嘘だ。）¦次の日。",
    "a bracket that never closes": "「雨だ。¦風だ。¦雪だ。",
    "a bracket that never opened": "雨だ」。¦風だ。",
    "closing brackets belong to the sentence": "本当だ。』』¦次。",
    "a full-width decimal": "円周率は３．１４です．¦次．",
    "an enumerator at the start": "1．はじめに",
    "a full-width enumerator": "雨だ。¦２．背景を述べる。",
    "a letter as an enumerator": "Ａ．理由を述べる。",
    "a chapter number": "第１．２節を読む。",
    "a figure number": "図はFig．3に示した．¦次に述べる．",
    "a number before the full stop": "人口は100．¦次に面積．",
    "an ASCII full stop after Japanese": "これは図である.¦次に述べる.",
    "an ASCII decimal": "円周率は3.14です。",
    "a host name": "案内はexample.jpにあります。",
    "a query": "https://example.jp/?id=1!a を開く。",
    "Yahoo!": "Yahoo!知恵袋で聞いた。¦Yahoo!ニュースも見た!¦次",
    "モーニング娘。": "モーニング娘。の新曲。¦好きなのはモーニング娘。",
    "a mark before を is in a name": "『けいおん』とガルパン！を見た。",
    "♪ for a mark": "楽しかった♪¦明日も行くよ♪♪¦ まただね。",
    "♪ before a word": "♪きらきら光る",
    "♪ that a sentence goes on behind": "歌ったよ♪と書いた。",
    "laughter": "疲れた（笑）¦次は頑張る(泣)",
    "laughter that a sentence goes on behind": "疲れた（笑）けど頑張る。",
    "laughter before a mark": "疲れた（笑）。¦次は頑張る。",
    "laughter that is spoken of": "文末の（笑）が増えた。",
    "laughter within a quotation": "「疲れた（笑）また行く」と言った。",
    "a face": "すごい(^^)/¦ また来ます。¦泣ける(T_T)¦もうだめ（´ω｀）",
    "a bracket that is no face": "関数f(x)は正だ。¦これは(注)次に述べる。",
    "a lone surrogate": "\ud800。¦次。",
}


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
def test_a_text_is_cut_as_a_reader_would(row: str) -> None:
    assert split(row.replace("¦", "")) == [sentence.strip() for sentence in row.split("¦")]


def test_an_empty_text_has_no_sentence() -> None:
    assert split("") == []


def test_a_bracket_over_a_whole_passage_does_not_swallow_its_sentences() -> None:
    passage = "雨が降り、風も吹いた。" * 30
    assert len(split(f"「{passage}」")) == 30


@given(st.text(st.sampled_from("あ漢ア。．！!?.…、「」『』（）(a1 　\n\ud800")))
def test_no_character_is_lost_or_moved(text: str) -> None:
    assert "".join("".join(split(text)).split()) == "".join(text.split())


@given(st.text(st.characters(exclude_categories=())))
def test_sentences_are_stripped_and_not_empty(text: str) -> None:
    assert all(sentence and sentence == sentence.strip() for sentence in split(text))


@pytest.mark.parametrize("unit", ["あ♪", "あ(^", "あ（笑）", "。", "「", "「」", "。あ", "（。）", "1．", "「あ、」"])
def test_a_long_line_of_one_thing_is_cut_in_time(unit: str) -> None:
    # Milliseconds; anything quadratic would take many seconds here.
    assert "".join(split(unit * 20_000)) == unit * 20_000


# What the rules look at, so that short texts meet them often.
PIECES = (
    *'あアー漢a1Ａ１。．.！!?？、，「」『』（）()\n \u3000・…をYahoo!"〇第\ud800𠮷',
    "と",
    "ところ",
    "は",
    "はい",
    "って",
    "モーニング娘。",
    *"♪♪♫w~^_T/ﾉ",
    "（笑）",
    "(笑)",
    "(^_^)",
    "（´ω｀）",
    "けど",
    "し、",
    "から",
)


@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
@settings(deadline=None, max_examples=300)
def test_the_compiled_splitter_equals_its_plain_twin(text: str) -> None:
    assert split(text) == plain_sentences.split(text)


@given(st.text(max_size=200))
@settings(deadline=None)
def test_the_compiled_splitter_equals_its_plain_twin_on_any_text(text: str) -> None:
    assert split(text) == plain_sentences.split(text)
