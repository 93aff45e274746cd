"""JA2xx: length, lines and sentences."""

from __future__ import annotations

import re
from typing import Final

from filters import sentences
from filters.base import keep_if
from filters.chars import JAPANESE, VISIBLE, Char
from filters.text import Text

# A line that breaks off. ・・・ from three on: one ・ is a bullet.
_BROKEN_OFF: Final = re.compile(r"(?:…|‥|\.{3}|。{3}|・{3})[」』）)】\]]?(?:続きを読む|続きはこちら|もっと見る)?$")
_LEFT_OFF: Final = ("…", "‥", "...", "。。。", "・・・")
_LONGEST_BREAK: Final = 10  # characters that _BROKEN_OFF can match
_JAPANESE_STOP: Final = re.compile(r"(?<=[ぁ-ゖァ-ヺー一-鿿])\.(?![0-9A-Za-z.])")  # papers that write 「である.」


@keep_if(
    code="JA201",
    at_least=80,
    source="Swallow v1 400; 80 here: that drops news briefs and answers of two sentences. Clean texts of 100 characters "
    "hold 83 Japanese letters and more (99 of 100)",
)
def japanese_characters(text: Text) -> float:
    """Japanese letters in the text.

    準備中のページ、写真だけのページ、見出しだけの抽出結果を落とす。

    keep: このたび、市立図書館では開館時間を一時間延ばし、平日は午後八時までご利用いただけるようになりました。
        仕事や学校の帰りにも、どうぞお立ち寄りください。なお、土曜日と日曜日は、これまでどおり午後五時に閉館します。
    drop: ただいま準備中です。しばらくお待ちください。
    misfire: 祖父の畑には、夏になると胡瓜と茄子が山のように実った。朝のうちに採り、井戸の水で冷やして食べた。
    """
    return text.count(*JAPANESE)


@keep_if(
    code="JA202",
    at_least=8,
    at_most=200,
    source="Swallow v1 20 to 90; 8 to 200 here: good pages go down to 17 on average, and literature rises to 136",
)
def mean_sentence_length(text: Text) -> float:
    """Characters a sentence; a line break ends one too.

    短い語の羅列（メニュー、タグ）と、句点のない長い連なりを落とす。

    keep: 窓を開けると、冷たい風が入ってきた。「もう秋だね。」と妹が言った。
    drop: ホーム\\n会社概要\\n採用情報\\n地図\\n問い合わせ
    misfire: 春\\n桜が咲いて\\n風が吹いて\\n君を待つ
    """
    spans = text.spans
    return int((spans[:, 1] - spans[:, 0]).sum()) / len(spans) if len(spans) else 0.0


@keep_if(
    code="JA203",
    at_most=0.50,
    source="HojiChar 0.70 of lines; 0.50 of characters here, and only the sentence that breaks off counts: an article "
    "of one line that ends in … is not a list of teasers",
)
def broken_off_share(text: Text) -> float:
    """Sentences left off with an ellipsis at a line's end, by characters.

    検索結果、記事一覧の抜粋（「…続きを読む」）を落とす。箇条書きの「・」は数えない。

    keep: 「そうか……」\\n父はそう言って、しばらく黙っていた。やがて立ち上がり、窓の外を見た。
    keep: 朝から雨が降っていた。傘を忘れたので、駅で待つことにした。しばらくすると、向こうから友人が……
    drop: 子育ての悩みを相談できる場所が少ないと感じる方も多…\\n春の行楽にぴったりのお弁当を紹介しま…続きを読む
    misfire: 「えっ……」\\n「まさか……」\\n「本当に……」
    """
    if not any(left_off in text.text for left_off in _LEFT_OFF):  # 3 us instead of 30
        return 0.0
    cut = (
        sentences.split(line)[-1] for line in text.lines if _BROKEN_OFF.search(line, max(0, len(line) - _LONGEST_BREAK))
    )
    return sum(map(len, cut)) / text.layout.characters


@keep_if(
    code="JA204",
    at_most=0.40,
    source="HojiChar half of the lines up to 10 characters; 0.40 of characters here: headings of a good page weigh "
    "little, 199 of 200 extracted articles lie under 0.23",
)
def short_line_share(text: Text) -> float:
    """Lines of up to 10 characters, by characters.

    メニュー、表のセル、カレンダーの残りを落とす。

    keep: 営業時間\\n当店は午前十時から午後七時まで営業しております。\\n定休日\\n毎週水曜日は、お休みをいただきます。
    drop: 月\\n火\\n水\\n1\\n2\\n3\\n2022年11月\\n2022年10月
    misfire: 汚れつちまつた\\n悲しみに\\n雨の降る夜\\nひとりきり
    """
    return text.layout.share(text.layout.length <= 10)


@keep_if(
    code="JA205",
    at_least=0.20,
    source="FineWeb-2 0.096 of lines; 0.20 of characters here, and a mark within the line counts as well, so that a "
    "passage cut at its end is still prose",
)
def sentence_line_share(text: Text) -> float:
    """Lines that hold the end of a sentence, by characters.

    商品一覧、表、見出しの列など、文のないページを落とす。

    keep: お知らせ\\n来週の月曜日は、設備の点検のため休館いたします。
    drop: 黒 Mサイズ 綿100%\\n白 Lサイズ 綿100%\\n紺 Sサイズ 麻50%
    misfire: 夕焼け小焼けの赤とんぼ\\n負われて見たのはいつの日か
    """
    return text.layout.share(text.layout.stops > 0)


@keep_if(
    code="JA206",
    at_most=200,
    source="HojiChar 100; 200 here: clean texts reach 86, 19 of 20 extracted articles lie under 168",
)
def kuten_spacing(text: Text) -> float:
    """Visible characters a sentence mark (。．！？, and . after a Japanese letter), one mark granted.

    句点のない長い羅列を落とす。短い文書は句点がなくても残る。

    keep: 雨が降りそうだったので、傘を持って出かけました。結局、降りませんでした。
    drop: 冷蔵庫 洗濯機 掃除機 炊飯器 電子レンジ 加湿器 除湿機 扇風機 暖房器具 照明器具 食器洗い乾燥機 空気清浄機
        液晶テレビ 録画機器 音響機器 携帯電話 固定電話 複合機 周辺機器 記録媒体 電池 充電器 延長コード 配線器具 工具
        作業用品 園芸用品 自転車用品 自動車用品 旅行用品 台所用品 浴室用品 清掃用品 収納用品 寝具 敷物 窓掛け 机 椅子 本棚
        食器棚 衣装箪笥 化粧台 子供用品 玩具 文房具 事務用品 防災用品 介護用品 衛生用品 健康器具 美容器具 楽器 書籍 雑誌
        新聞 地図 辞書 切手 葉書 便箋 封筒 鉛筆 万年筆 消しゴム
    """
    stops = len(_JAPANESE_STOP.findall(text.text)) if "." in text.text else 0
    return text.count(*VISIBLE) / (text.count(Char.KUTEN) + stops + 1)


@keep_if(
    code="JA207",
    at_most=0.08,
    source="own: Japanese writes no spaces. 99 of 100 extracted articles lie under 0.033, raw pages "
    "made of search words at 0.08 to 0.40",
)
def spaced_letter_share(text: Text) -> float:
    """Spaces between two Japanese letters on one line, for each Japanese letter.

    検索語を空白で並べた通販・宣伝のページを落とす。

    keep: 昨日は友人と映画を見ました。 帰りに駅前で食事をしました。
    keep: 朝\\n昼\\n夜
    drop: 送料無料 母の日 花 鉢植え 贈り物 誕生日 即日発送 ギフト 人気
    misfire: きょうは いい てんきです。 こうえんで いぬが はしって います。
    """
    japanese = text.count(*JAPANESE)
    if not japanese:
        return 0.0
    return int(text.layout.spaced.sum()) / japanese
