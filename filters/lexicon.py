"""JA5xx: densities of listed wording. Phrases that sell or stage, not words that a text may be about.

Anatomy, illness, contraception, 風俗 as custom, loans, horse races and the names of groups of people are left out on
purpose: medicine, law, news and history speak of them.
"""

from __future__ import annotations

from typing import Final

from filters.base import keep_if
from filters.chars import JAPANESE
from filters.phrases import Phrases
from filters.text import Text

# Self-written.
_ADULT: Final = Phrases("""
    セフレ ハメ撮り 中出し 巨乳 爆乳 美乳 熟女 素人娘 無修正 エロ動画 エロ画像 アダルト動画 アダルトビデオ アダルトサイト AV女優 デリヘル
    ソープランド 風俗嬢 風俗店 ピンサロ 出会い系 人妻 痴女 潮吹き フェラ パイズリ オナニー オナホ 手コキ パンチラ 盗撮動画 逆援 童貞狩り
    射精 淫乱 淫ら 性奴隷 ヌキ 乱交 媚薬 セックス おっぱい エッチな 美少女動画 個人撮影
""")

# Self-written.
_MONEY: Final = Phrases("""
    オンラインカジノ ネットカジノ ライブカジノ 入金不要ボーナス 初回入金ボーナス フリースピン パチンコ攻略 パチスロ攻略 馬券術 必勝法
    当選確率アップ 高額当選者 副業で稼 誰でも稼げ 簡単に稼げ 楽して稼 月収100万 不労所得 バイナリーオプション FX自動売買 即日融資
    審査なし ブラックでも 現金化 LINE登録 無料登録はこちら スーパーコピー コピー品 偽ブランド バイアグラ 精力剤 増大サプリ
""")

_SOURCE: Final = (
    "Swallow v1 0.05 of Japanese letters, with a list of its own; one listed word of up to 5 characters in 100 stays"
)


@keep_if(code="JA501", at_most=0.05, source=_SOURCE)
def adult_density(text: Text) -> float:
    """Characters of adult advertising among Japanese letters.

    アダルト・出会い系の宣伝を落とす。アスパラガス、リュックサック、医学や性教育の文章は残す。

    keep: アスパラガスを茹でてリュックサックに入れ、エッチング展へ行きました。
    keep: 射精障害は泌尿器科で相談できます。原因は心理的なものと身体的なものに分けられ、治療の方法も異なります。
        ひとりで悩まず、まずは医師に相談してください。パートナーと一緒に受診する方も少なくありません。
    drop: 人妻・熟女の無修正エロ動画が見放題！セフレ募集の出会い系もこちら
    misfire: 新入生は出会い系に気をつけましょう。
    """
    return _density(text, _ADULT)


@keep_if(code="JA502", at_most=0.05, source=_SOURCE)
def easy_money_density(text: Text) -> float:
    """Characters of gambling, easy-money and counterfeit advertising among Japanese letters.

    オンラインカジノ、情報商材、即日融資、偽ブランド品の宣伝を落とす。

    keep: 彼は競馬を見るのが好きで、週末にはよく府中まで出かけます。
    drop: 初心者歓迎のオンラインカジノ！入金不要ボーナスとフリースピンで誰でも稼げる
    misfire: オンラインカジノは違法ですと警察は呼びかけた。
    """
    return _density(text, _MONEY)


def _density(text: Text, phrases: Phrases) -> float:
    japanese = text.count(*JAPANESE)
    return min(1.0, phrases.characters(text.text) / japanese) if japanese else 0.0
