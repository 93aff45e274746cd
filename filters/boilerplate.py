"""JA4xx: the words of pages rather than of texts: navigation, shops.

A listed phrase counts only in a line without a sentence: 「お問い合わせの多い項目をまとめました。」 is text, 「お問い合わせ」 is a button.
"""

from __future__ import annotations

import re
from typing import Final

from filters.base import keep_if
from filters.phrases import Phrases
from filters.text import Text

# Self-written.
_NAVIGATION: Final = Phrases("""
    続きを読む もっと見る もっと読む 前のページ 次のページ 前の記事 次の記事 前へ 次へ ページの先頭 ページトップ トップページ サイトマップ
    プライバシーポリシー 個人情報保護方針 利用規約 お問い合わせ お問合せ 運営会社 会社概要 新着情報 最新記事 人気記事 関連記事
    おすすめ記事 記事一覧 カテゴリー アーカイブ コメントを書く コメントする トラックバック パスワードを忘れ ログイン ログアウト 会員登録
    新規登録 マイページ ブックマーク シェアする ツイート スポンサーリンク スポンサードリンク メニューを開く メニューを閉じる 検索結果
    お気に入りに追加 Copyright 無断転載 RSS 一覧へ戻る 一覧に戻る 一覧を見る 詳細を見る 詳しくはこちら 個人情報の取り扱い
""")

# Self-written.
_SHOP: Final = Phrases("""
    カートに入れる カートを見る 買い物かご 買い物カゴ 送料無料 送料込 代金引換 即納 即日発送 在庫あり 在庫切れ 在庫なし 在庫処分 売り切れ
    SOLD 税込 税抜 ポイント還元 ポイント倍 商品番号 商品コード 型番 販売価格 通常価格 メーカー希望 激安 格安 最安値 通販 メール便
    レビューを書く 商品一覧 特定商取引 クーポン 正規品 新品 中古 お買い得 セール 人気ランキング 返品 お取り寄せ ネコポス
""")

_SENTENCE: Final = re.compile("[。｡．]")
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
    return _listed_lines(text, _NAVIGATION, _LINK)


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
    return _listed_lines(text, _SHOP)


def _listed_lines(text: Text, phrases: Phrases, longest: int | None = None) -> float:
    whole = sum(map(len, text.lines))
    if not whole or not phrases.characters(text.text):
        return 0.0
    lines = (line for line in text.lines if longest is None or len(line) <= longest)
    return sum(len(line) for line in lines if not _SENTENCE.search(line) and phrases.characters(line)) / whole
