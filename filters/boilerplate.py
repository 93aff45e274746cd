"""JA4xx: the words of pages rather than of texts: navigation, shops.

A listed phrase counts only in a line without a sentence: 「お問い合わせの多い項目をまとめました。」 is text, 「お問い合わせ」 is a button.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Final

import numpy as np

from filters.base import keep_if
from filters.listed import found, sha256
from filters.text import Text

RESOURCES: Final = sha256("navigation", "shop")

# Self-written. What a site says to its visitor on page after page, in sentences, by the word that each is looked for by.
_NOTICES: Final = {
    "ookie": re.compile("[Cc]ookie.*(?:同意|許可|使用し(?:て|ます)|利用し(?:て|ます))"),
    "クッキー": re.compile("クッキー.*(?:同意|許可|使用し(?:て|ます)|利用し(?:て|ます))"),
    "ログイン": re.compile("ログイン(?:して|すると|が必要|後に)"),
    "会員登録": re.compile("会員登録(?:して|すると|が必要|後に)"),
    "avaScript": re.compile("JavaScript.*(?:有効|無効|オン|オフ)"),
    "日以上": re.compile(r"\d日以上(?:更新|記事の投稿)"),
    "ページ": re.compile(
        "(?:この|お探しの|指定した|ご?指定され(?:て|た))ページ.{0,20}(?:見つかりません|存在しません|削除され)"
    ),
    "ブラウザ": re.compile("(?:お使い|ご利用)の(?:ウェブ)?ブラウザ"),
}

_BULLETS: Final = r"[■●◆【\[・ \t　]*"  # before a field at the head of a line

# Self-written. What the page of a shop must state by law (特定商取引法第十一条), each as a field of its own line.
_SELLER: Final = re.compile(
    rf"{_BULLETS}(?:販売業者|販売事業者|事業者名|運営責任者|運営統括責任者|責任者名?|所在地|住所|電話番号|連絡先|メールアドレス|販売価格"
    r"|商品代金以外の必要料金|商品代金以外|支払方法|支払い方法|お支払い?方法|支払時期|引渡し?時期|引き渡し時期|商品の引渡|返品|返品特約|返品・交換"
    r"|販売数量|申込有効期限|古物商許可)"
)

# Self-written. Fields of flats, vacancies and profiles, which come from a database in the same order on page after page.
_FIELDS: Final = re.compile(
    rf"{_BULLETS}(?:間取り?|賃料|家賃|敷金|礼金|敷金/礼金|管理費|共益費|専有面積|築年数?|築年月|所在階|最寄り?駅|交通|沿線|物件種別|物件名|入居可能日|取引態様"
    r"|雇用形態|給与|時給|月給|勤務地|勤務時間|応募資格|待遇|福利厚生|休日・?休暇|仕事内容|職種|募集人数|試用期間|社会保険|応募方法"
    r"|年齢|性別|身長|血液型|地域|職業|型番|品番|JAN|サイズ|カラー|素材|重量|原産国|メーカー)(?:[\]】：:\t 　]|$)",
    re.MULTILINE,
)

# The stamp of a post on a bulletin board: 12 ：名無しさん：2009/05/03(日) 12:34:56.78 ID:abcDEF12
_STAMP: Final = re.compile(
    r"^.{0,60}\b(?:19|20)\d\d[/-]\d\d?[/-]\d\d?(?:\([日月火水木金土]\))?\s*\d\d?:\d\d(?::\d\d(?:\.\d+)?)?.{0,30}$"
    r"|^.{0,60}\bID:[0-9A-Za-z+/?]{8,}.{0,10}$",
    re.MULTILINE,
)

_LINK: Final = 40  # characters; a longer line with 「前の記事」 in it is not a link


@keep_if(
    code="JA401",
    at_most=0.10,
    source="own: extracted articles reach 0.057, good small pages 0.078, bad ones 0.12. HojiChar drops above 14 keywords",
)
def navigation_share(text: Text) -> float:
    """Short lines with navigation wording and no sentence, by characters.

    メニュー、ページ送り、フッターばかりが抽出されたページを落とす。

    keep: お問い合わせの多い項目を、このページにまとめました。まずはこちらをご覧ください。
    keep: 前の記事に書いた川沿いの散歩道は、春になると桜がきれいで、休みの日には家族連れでにぎわいます
    drop: 前の記事\\n次の記事\\n記事一覧へ戻る\\nきょうの出来事\\nお問い合わせ\\nプライバシーポリシー
    misfire: 利用規約\\nこの規約は、当会の会議室に適用します。
    """
    return _listed_lines(text, "navigation", _LINK)


@keep_if(
    code="JA402",
    at_most=0.30,
    source="own: 199 of 200 extracted articles lie under 0.02, shop spam at 0.6 to 1",
)
def shop_share(text: Text) -> float:
    """Lines with shop wording and no sentence, by characters.

    商品名と値段だけのページ、通販の検索結果を落とす。

    keep: 送料無料の条件について説明します。五千円以上のご注文が対象です。
    drop: 【送料無料】木綿の手ぬぐい 藍染め 3枚組 1,980円(税込)\\n【即納】麻の手ぬぐい 在庫あり
    misfire: 中古カメラの楽しみ方を訪ねて\\n古い写真機には独特の味わいがあります。
    """
    return _listed_lines(text, "shop")


def _listed_lines(text: Text, name: str, longest: int = sys.maxsize) -> float:
    lines = text.layout
    return found(text).line_characters(name, lines, longest) / lines.characters if lines.characters else 0.0


@keep_if(code="JA403", at_most=0.40, source="own: clean texts reach 0.27, extracted articles 0.08")
def notice_share(text: Text) -> float:
    """Sentences to the visitor (cookies, login, JavaScript, no such page, a blog at rest), by characters.

    本文がなく、案内文だけが取り出されたページを落とす。

    keep: 職員室の入り口に「クッキーを焼きました。ご自由にどうぞ」という紙が貼ってあり、朝の会議の前にはもう空になっていました。
    drop: このブログは90日以上更新がないため広告が表示されています。\\nログインして記事を書くと消えます。
    misfire: お探しのページは見つかりませんと表示されたら、どうすればよいでしょうか。
    """
    notices = {at for word, pattern in _NOTICES.items() for at in _sentences_with(text, word, pattern)}
    spans = text.spans[sorted(notices)]
    return int((spans[:, 1] - spans[:, 0]).sum()) / text.layout.characters if notices else 0.0


def _sentences_with(text: Text, word: str, pattern: re.Pattern[str]) -> Iterator[int]:
    """Numbers of the sentences that `pattern`, which needs `word`, is found in."""
    at = text.text.find(word)
    while at >= 0:
        sentence = int(np.searchsorted(text.spans[:, 0], at, "right")) - 1
        start, end = text.spans[sentence].tolist()
        if pattern.search(text.text, max(start, at - 40), min(end, at + 200)):
            yield sentence
        at = text.text.find(word, end)


@keep_if(
    code="JA404", at_most=4, source="own: the law asks a shop for about ten fields; a company profile has three of them"
)
def seller_fields(text: Text) -> float:
    """Different fields of the notice that 特定商取引法 asks of a shop, each at the head of a line.

    特定商取引法に基づく表記のページを、言葉ではなく形で落とす。通販を論じた文章やフッターの一語では落とさない。

    keep: 特定商取引法は、通信販売の広告に事業者の氏名、住所、電話番号を書くよう求めています。支払方法や返品の条件も同じです。
    drop: 販売業者　山川商店\\n運営責任者　山川一郎\\n所在地　東京都\\n電話番号　03\\n支払方法　振込\\n引渡時期　五日以内\\n返品　不可
    misfire: 販売業者とは売る人\\n責任者とは答える人\\n所在地とは店の場所\\n返品とは品を戻すこと\\n販売価格とは売る値段\\n支払方法とは払い方です。
    """
    return len({field.lstrip("■●◆【[・ \t　")[:2] for field in _heads(text, _SELLER)})


@keep_if(
    code="JA405",
    at_most=0.25,
    source="own: extracted articles reach 0.05, raw pages of shops 0.08",
)
def field_line_share(text: Text) -> float:
    """Lines that begin with a field of a flat, a vacancy, a person or an article, among all lines.

    賃貸・求人・商品・プロフィールの定型項目の列を落とす。

    keep: 給与の話は面接の終わりに出ました。\\n勤務地は駅から十分ほどで、毎朝歩いて通っています。
    drop: 間取り：2LDK\\n賃料：7.8万円\\n敷金：1ヶ月\\n専有面積：42㎡\\n最寄駅：北町駅
    misfire: サイズ：M\\n手編みのセーターです。祖母がひと冬かけて編んでくれました。
    """
    lines = len(text.layout.length)
    return sum(1 for _ in _heads(text, _FIELDS)) / lines if lines else 0.0


def _heads(text: Text, pattern: re.Pattern[str]) -> Iterator[str]:
    """What the lines begin with that begin with `pattern`."""
    for start in text.layout.start.tolist():
        if head := pattern.match(text.text, start):
            yield head.group()


@keep_if(
    code="JA406",
    at_most=0.55,
    source="own: pages of short posts with date and time reach 0.51 among the extracted articles",
)
def stamp_share(text: Text) -> float:
    """Characters in the stamps of posts (date and time to the minute, ID) on lines of their own, among all of lines.

    掲示板の投稿の見出し（日時、ID）の列を落とす。

    keep: 2009年5月3日の夜、掲示板には祭りの知らせが書き込まれました。翌朝までに百を超える返事がついたといいます。
    drop: 1 ：名無しさん：2009/05/03(日) 12:34:56 ID:abcDEF12\\nまだ？\\n2 ：名無しさん：2009/05/03(日) 12:35:10 ID:xyzDEF34\\nうん
    misfire: 2009/05/03 12:34 出発\\n2009/05/03 15:20 到着
    """
    if ":" not in text.text or not text.layout.characters:
        return 0.0
    return min(1.0, sum(map(len, _STAMP.findall(text.text))) / text.layout.characters)
