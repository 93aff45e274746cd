"""JA5xx: densities of listed wording. Phrases that sell, stage or insult, not words that a text may be about.

Anatomy, illness, contraception, 風俗 as custom, loans, horse races and the names of groups of people are left out of the
lists on purpose: medicine, law, news and history speak of them. One phrase alone is no density either: an article about
online casinos repeats the one word, an advertisement uses many.
"""

from __future__ import annotations

from typing import Final

from filters.base import keep_if
from filters.chars import JAPANESE
from filters.listed import found, sha256
from filters.text import Text

_TOPICS: Final = ("adult", "dating", "drugs", "gambling", "spam", "topics")
RESOURCES: Final = sha256("calls", "discrimination", "violence", *_TOPICS)

_SOURCE: Final = "Swallow v1: 0.05 of Japanese letters, with a list of its own; own: of 4,595 clean texts none reaches it; tests/bench/judge.py"
_DIFFERENT: Final = 3  # phrases of a list below which a page is about a thing and does not sell it


@keep_if(code="JA501", at_most=0.05, source=_SOURCE)
def adult_density(text: Text) -> float:
    """Characters of adult advertising among Japanese letters.

    アダルトの宣伝を落とす。アスパラガス、リュックサック、医学や性教育の文章は残す。

    keep: アスパラガスを茹でてリュックサックに入れ、エッチング展へ行きました。
    keep: 射精障害は泌尿器科で相談できます。原因は心理的なものと身体的なものに分けられ、治療の方法も異なります。
        ひとりで悩まず、まずは医師に相談してください。パートナーと一緒に受診する方も少なくありません。
    drop: 人妻・熟女の無修正エロ動画が見放題！個人撮影の流出動画もこちら
    misfire: 熟女、人妻、痴女といった見出しの語の変遷をたどる。
    """
    return _density(text, "adult")


@keep_if(code="JA502", at_most=0.05, source=_SOURCE)
def spam_density(text: Text) -> float:
    """Characters of wording that promises money, cures and cheap copies, among Japanese letters.

    情報商材、即日融資、偽ブランド品、アフィリエイトの宣伝を落とす。

    keep: 副業を始める前に、まず勤め先の規則を確かめましょう。届け出が要る会社もあります。
    drop: 誰でも稼げる副業！スマホだけで月収100万、無料プレゼントは今すぐLINE登録
    misfire: 「審査なし」「ブラックでも」「即日融資」とうたう業者に注意。
    """
    return _density(text, "spam")


@keep_if(code="JA503", at_most=0.05, source=_SOURCE)
def dating_density(text: Text) -> float:
    """Characters of wording that sells meetings, among Japanese letters.

    出会い系の勧誘と掲示板を落とす。出会いを語る文章は残す。

    keep: 大学での出会いが彼の一生を変えました。卒業の前に二人は結婚の約束をします。
    drop: 女性完全無料の出会い系！割り切り希望の人妻と今すぐ会える。サクラなし
    misfire: 出会い系、パパ活、援交。呼び名は変わる。
    """
    return _density(text, "dating")


@keep_if(code="JA504", at_most=0.05, source=_SOURCE)
def gambling_density(text: Text) -> float:
    """Characters of wording that sells bets and sure wins, among Japanese letters.

    オンラインカジノ、必勝法、予想サイトの宣伝を落とす。競馬の記事やカジノ法案の報道は残す。

    keep: 彼は競馬を見るのが好きで、週末にはよく府中まで出かけます。
    keep: オンラインカジノは違法ですと警察は呼びかけた。オンラインカジノの利用者は若い世代に多い。
    drop: 初心者歓迎のオンラインカジノ！入金不要ボーナスとフリースピンで即時出金
    misfire: 必勝法、回収率、的中率をうたう勧誘の相談が増えた。
    """
    return _density(text, "gambling")


@keep_if(code="JA505", at_most=0.05, source=_SOURCE)
def drugs_density(text: Text) -> float:
    """Characters of wording that sells drugs and prescription medicine, among Japanese letters.

    違法薬物や処方薬の通販を落とす。薬の効き目や害を説く文章は残す。

    keep: 睡眠薬は医師の指示どおりに飲み、自分の判断で量を増やさないでください。
    drop: バイアグラ通販、シアリス、レビトラを処方箋なしで。個人輸入代行なら安心
    misfire: 脱法ハーブ、合法ドラッグ、お香通販などの呼び名が使われた。
    """
    return _density(text, "drugs")


@keep_if(code="JA506", at_most=0.05, source=_SOURCE)
def discrimination_density(text: Text) -> float:
    """Characters of insults and calls against groups of people, among Japanese letters.

    差別や排斥の書き込みを落とす。差別の歴史を語る文章は残す。

    keep: 関東大震災のあと、根も葉もない噂のために多くの朝鮮人が殺されました。町の人はその名を碑に刻みました。
    drop: 売国奴と非国民は日本から出て行け。特亜の劣等民族は国に帰れ
    misfire: 「売国奴」「非国民」「国賊」と呼ばれた。
    """
    return _density(text, "discrimination")


@keep_if(code="JA507", at_most=0.05, source=_SOURCE)
def violence_density(text: Text) -> float:
    """Characters of threats and gore, among Japanese letters.

    脅迫の書き込みと、残虐な画像や動画の宣伝を落とす。事件の報道や戦記は残す。

    keep: 容疑者は「殺すつもりはなかった」と供述しています。警察は当時の状況を詳しく調べています。
    drop: 死ねよカス、ぶっ殺すぞ。お前の家に火をつけてやる。夜道に気をつけろ
    misfire: 「殺すぞ」「刺すぞ」「死ねよ」と書かれた紙。
    """
    return _density(text, "violence")


@keep_if(
    code="JA508",
    at_most=0.10,
    source="own: of 4,595 clean texts none reaches it with two calls and six phrases in all; tests/bench/judge.py",
)
def pitch_density(text: Text) -> float:
    """Characters that call a reader to buy or join, or name what much spam is about, where both stand together.

    勧誘の言い回し（二つ以上）と題材（賭け事、出会い、薬、借金など）が合わせて六つ以上そろう宣伝文を落とす。
    題材だけを論じる文章、勧誘だけの普通の広告は残す。

    keep: 健康診断の予約は、今すぐお電話で。初めての方も安心してご相談ください。
    keep: 競馬、競輪、宝くじの売り上げは、いずれも前の年を上回った。
    drop: 今だけ無料！競馬の買い目が当たると評判、会員登録で的中予想をプレゼント
    misfire: 銀行の口座を開くと、今だけ特典がもらえます。融資や投資のご相談も無料です。
    """
    listed, japanese = found(text), text.count(*JAPANESE)
    calls, topics = listed.count("calls"), listed.count(*_TOPICS)
    if calls.different < 2 or not topics.different or calls.different + topics.different < 6 or not japanese:
        return 0.0
    return min(1.0, (calls.characters + topics.characters) / japanese)


def _density(text: Text, name: str) -> float:
    listed, japanese = found(text).count(name), text.count(*JAPANESE)
    return min(1.0, listed.characters / japanese) if japanese and listed.different >= _DIFFERENT else 0.0
