"""JA6xx: morphemes. Measured only where the cheap filters keep."""

from __future__ import annotations

from filters.base import keep_if
from filters.words import Words


@keep_if(
    code="JA601",
    at_least=0.10,
    source="own: 199 of 200 clean texts lie above 0.125. FineWeb-2 asks for two of の に を は た … instead",
)
def particle_share(words: Words) -> float:
    """Particles (助詞) among morphemes, punctuation apart.

    助詞のない羅列、漢字ばかりの中国語を落とす。

    keep: 駅から会社まで、毎日歩いて通っています。
    drop: 東京都千代田区丸の内一丁目 営業時間 午前九時 定休日 日曜日 電話番号 駐車場
    misfire: 本日休業。明日営業再開予定。詳細後日発表。
    """
    return words.part_share("助詞")


@keep_if(
    code="JA602",
    at_most=0.85,
    source="HojiChar 0.80; 0.85 here: clean texts reach 0.843",
)
def noun_share(words: Words) -> float:
    """Nouns (名詞) among morphemes, punctuation apart.

    商品名、地名、人名、タグの羅列を落とす。

    keep: 駅から会社まで、毎日歩いて通っています。
    drop: 腕時計 財布 鞄 靴 帽子 手袋 傘 眼鏡 指輪 首飾り
    misfire: 出演：山田太郎、鈴木花子、佐藤一郎。監督：高橋次郎。音楽：伊藤三郎。
    """
    return words.part_share("名詞")


@keep_if(
    code="JA603",
    at_most=0.12,
    source="own: clean texts reach 0.105, extracted pages that are kept 0.098, pages made of one search word 0.2 to 0.4",
)
def top_noun_share(words: Words) -> float:
    """Repetitions of the noun that stands most often, among morphemes, punctuation apart; nouns of two characters or more.

    検索語を文章に埋め込み続けるページを落とす。ひとつの話題を論じる文章は残す。

    keep: 図書館では、本を借りるほかに、雑誌を読んだり、調べものの相談をしたりすることもできます。図書館は火曜日に休みます。
    drop: ゴルフ場予約ならゴルフ場予約サイト。ゴルフ場予約の比較も、ゴルフ場予約の口コミも、ゴルフ場予約で。
    misfire: 「習慣」とは何か。よい習慣は習慣の力で続く。習慣を変えるのも習慣である。
    """
    again = words.most_frequent("名詞", 2) - 1
    return again / words.spoken if again > 0 else 0.0
