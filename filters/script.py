"""JA1xx: which scripts the text is written in, and whether it is script at all."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

from filters.base import keep_if
from filters.chars import JAPANESE, LETTERS, VISIBLE, Char
from filters.text import Text


def _simplified() -> NDArray[np.bool_]:
    """Ideographs that GB 2312 has and JIS X 0213 lacks: 2,278 simplified forms such as 们 这 说 that no Japanese text needs."""
    table = np.zeros(0x110000, np.bool_)
    rows = (bytes([row, cell]) for row in range(0xB0, 0xF8) for cell in range(0xA1, 0xFF))
    for char in (pair.decode("gb2312", "ignore") for pair in rows):
        if char and not char.encode("euc_jis_2004", "ignore"):
            table[ord(char)] = True
    return table


_SIMPLIFIED: Final = _simplified()

# UTF-8 kana read as CP932 begin with 縺 繧 繝 (E3 81, E3 82, E3 83), read as Latin-1 or CP1252 with ã and one of three;
# EUC-JP kana read as CP932 are half-width ､ or ･ before every half-width katakana.
_MOJIBAKE: Final = re.compile("[縺繧繝].|ã[\u0081\u0082\u0083‚ƒ].?|(?:[､･][ｦ-ﾟ]){2,}")
_MOJIBAKE_LEADS: Final = "縺繧繝ã､･"


@keep_if(
    code="JA101",
    at_least=0.15,
    source="Swallow v1 0.20; 0.15 here: clean texts go down to 0.167",
)
def hiragana_share(text: Text) -> float:
    """Hiragana among Japanese letters.

    住所・品番・見出し・単語の羅列を落とす。文章なら助詞と送り仮名で三割から六割になる。

    keep: きょうは天気がよいので、公園まで歩きました。
    drop: 東京都千代田区丸の内一丁目九番地
    misfire: 大日本帝国ハ万世一系ノ天皇之ヲ統治ス
    """
    return text.share(Char.HIRAGANA, of=JAPANESE)


@keep_if(
    code="JA102", at_most=0.65, source="Swallow v1 0.50; 0.65 here: that dropped 41 of 1,592 clean texts, this one"
)
def katakana_share(text: Text) -> float:
    """Katakana among Japanese letters.

    商品名・メニュー・タグの羅列を落とす。

    keep: 新しいカメラを買って、京都へ旅行に行きました。
    drop: スニーカー サンダル ブーツ ベルト バッグ 靴
    misfire: ハハキトク スグカエレ チチ
    """
    return text.share(Char.KATAKANA, of=JAPANESE)


@keep_if(
    code="JA103",
    at_least=0.30,
    source="Swallow v1 0.50; 0.30 here: Latin words count by the letter, and 1 in 20 extracted articles (manuals) lies under 0.34",
)
def japanese_letter_share(text: Text) -> float:
    """Japanese letters among letters of every script.

    英語の記事に日本語の見出しだけが付いたページ、多言語のメニューを落とす。

    keep: このライブラリはPythonで書かれており、NumPyだけに依存します。
    drop: お知らせ: The server will be down for maintenance on Sunday morning.
    misfire: 設定ファイルに export DEBIAN_FRONTEND=noninteractive と書き、apt-get update を実行します。
    """
    return text.share(*JAPANESE, of=LETTERS)


@keep_if(
    code="JA104",
    at_most=0.25,
    source="HojiChar 0.40; 0.25 here: clean texts reach 0.056, extracted articles with code 0.224",
)
def symbol_share(text: Text) -> float:
    """Symbols, emoji and Western punctuation among visible characters.

    アスキーアート、表の罫線、顔文字や記号ばかりの文を落とす。

    keep: 価格は1,980円（税込）です。詳しくは下の表をご覧ください。
    drop: ＼(^o^)／ ＝＝＝★★★＝＝＝ キタ━━━━(゚∀゚)━━━━!!
    misfire: 関数は f(x)=(x+1)*(x-1)/2 と書けます。
    """
    return text.share(Char.SYMBOL, Char.EMOJI, Char.PUNCTUATION, of=VISIBLE)


@keep_if(
    code="JA105",
    at_most=0.03,
    source="own: short texts with a torn emoji or private-use bullets reach 0.024, text that lost its encoding 0.1 and more",
)
def broken_share(text: Text) -> float:
    """U+FFFD, private use and lone surrogates among visible characters.

    変換に失敗した文字、外字、携帯の絵文字の残りを落とす。

    keep: 森鷗外と内田百閒の本を、𠮷野家の向かいの書店で買いました。
    drop: 今日は\ufffd\ufffd気がよいので\ufffd\ufffd園まで歩きました。
    misfire: 駅前の店\ue63eは、夕方になるといつも混んでいます。
    """
    return text.share(Char.BROKEN, of=VISIBLE)


@keep_if(code="JA106", at_most=0.02, source="own: real text holds none of these sequences but for rare kanji (繧繝縁)")
def mojibake_share(text: Text) -> float:
    """Characters in sequences that Japanese becomes when it is read in a wrong encoding, among visible ones.

    文字化けを落とす。UTF-8をShift_JISやLatin-1で、EUC-JPをShift_JISで読んだもの。

    keep: ﾊﾝｶｸのカナで書かれたお知らせも、文字化けではありません。
    drop: 縺薙ｓ縺ｫ縺｡縺ｯ縲ゆｻ頑律縺ｯ蝟懊＞譌･縺ｧ縺吶
    drop: ､ｳ､ﾎ･ﾚ｡ｼ･ｸ､ﾏ､､､ﾞ､ﾇ､ｹ
    misfire: 畳の縁には繧繝縁という種類がある。
    """
    if not any(lead in text.text for lead in _MOJIBAKE_LEADS):  # 1 us instead of 60
        return 0.0
    visible = text.count(*VISIBLE)
    return min(1.0, sum(map(len, _MOJIBAKE.findall(text.text))) / visible) if visible else 0.0


@keep_if(code="JA107", at_most=0.02, source="own: ideographs of GB 2312 that JIS X 0213 lacks")
def simplified_share(text: Text) -> float:
    """Ideographs that only simplified Chinese has, among ideographs.

    「の」を交えた中国語の通販ページ、機械翻訳の残りを落とす。

    keep: 彼女は図書館で中国の歴史を学んでいます。
    drop: 优の良品 官方旗舰店の商品详情、购买はこちら
    misfire: 「谢谢」は「ありがとう」という意味です。
    """
    kanji = text.count(Char.KANJI)
    return int(np.count_nonzero(_SIMPLIFIED[text.codes])) / kanji if kanji else 0.0
