"""JA3xx: what the text says more than once. Thresholds for characters, not the word thresholds of Gopher."""

from __future__ import annotations

from filters.base import keep_if
from filters.counting import repeated
from filters.text import Text


@keep_if(code="JA301", at_most=0.20, source="Swallow v1 and Gopher 0.20; 99 of 100 extracted articles lie under 0.20")
def duplicate_line_share(text: Text) -> float:
    """Characters in lines that stood before, among those of all lines.

    同じ商品・投稿・見出しが繰り返されるページを落とす。

    keep: 一日目は京都を歩きました。\\n二日目は奈良で鹿を見ました。\\n三日目は大阪で買い物をしました。
    drop: カートに入れる\\n木綿の手ぬぐい\\nカートに入れる\\n麻の手ぬぐい\\nカートに入れる
    misfire: ねんねんころりよ おころりよ\\nぼうやはよいこだ ねんねしな\\nねんねんころりよ おころりよ
    """
    _, characters = repeated(text.layout.hash, text.layout.length)
    return characters / text.layout.characters if text.layout.characters else 0.0


@keep_if(
    code="JA302",
    at_most=0.30,
    source="Gopher 0.10 to 0.15 for 5 to 10 words; 0.30 here for 10 characters, about 5 words: forms, recipes and law repeat "
    "wording (199 of 200 clean texts lie under 0.08, of the extracted articles under 0.29)",
)
def repeated_10gram_share(text: Text) -> float:
    """Character 10-grams that stood before, among all; letters and digits only.

    同じ言い回しを並べた自動生成の宣伝、検索語の繰り返しを落とす。

    keep: 朝は七時に起きて、近くの川沿いを三十分ほど走ります。戻ってからパンと卵で朝食をとり、八時半に家を出ます。
    drop: 激安の腕時計なら何でもそろう当店へ。激安の腕時計なら何でもそろう当店へ。人気の激安の腕時計なら何でもそろう当店へ。
    misfire: 四月一日に北町の出張所で住民票の受付を開始しました。五月一日に南町の出張所で住民票の受付を開始しました。
        六月一日に東町の出張所で住民票の受付を開始しました。七月一日に西町の出張所で住民票の受付を開始しました。
    """
    grams = text.ngrams(10)
    return 1 - grams.distinct / grams.total if grams.total else 0.0


@keep_if(
    code="JA303",
    at_most=0.15,
    source="Swallow v1 and Gopher 0.20, 0.18, 0.16 for the top 2- to 4-gram; 0.15 here for 5 characters, first occurrence not "
    "counted: 199 of 200 clean texts lie under 0.144",
)
def top_5gram_share(text: Text) -> float:
    """Characters that the most frequent 5-gram fills after its first occurrence, among letters and digits.

    ひとつの語句を埋め込み続けるページを落とす。

    keep: 朝は七時に起きて、近くの川沿いを三十分ほど走ります。戻ってからパンと卵で朝食をとり、八時半に家を出ます。
    keep: きょうは天気がよいので、公園まで歩きました。
    drop: 引越し見積もりなら引越し見積もり比較。引越し見積もりの相場と引越し見積もりの口コミ。
    misfire: じゅげむ、じゅげむ、じゅげむ、と子どもたちは唱えた。
    """
    grams = text.ngrams(5)
    return min(1.0, 5 * (grams.top - 1) / (grams.total + 4)) if grams.total else 0.0
