"""Hard cases, composed for this table: whole little pages on the border between Japanese and everything else.

JAPANESE and FOREIGN hold what must come out right; MISTAKES what is known to come out wrong, pinned so that the list stays
true. Every text was written here. Columns: what it is, the text, and what the page says of itself (title, <html lang>).
"""

from __future__ import annotations

import pytest

from stages.language.language import Score, score
from stages.language.lid import BUILT_IN, identify, model_path

CODE = """
import csv
from pathlib import Path

def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))

for row in read_rows(Path("example.csv")):
    print(row["name"], row["price"])
"""

JAPANESE: dict[str, tuple[str, ...]] = {
    "one sentence": ("きょうは朝から雨でした。",),
    "a statute": (
        "個人の情報の保護に関する法律施行令第二条第一項第三号の規定に基づき、委員会規則で定める基準を次のように定める。",
    ),
    "カタカナ法令文": ("大日本帝国ハ万世一系ノ天皇之ヲ統治ス\n皇位ハ皇室典範ノ定ムル所ニ依リ皇男子孫之ヲ継承ス",),
    "カタカナ法令文 in old forms": ("大日本帝國ハ萬世一系ノ天皇之ヲ統治ス\n國務各大臣ハ天皇ヲ輔弼シ其ノ責ニ任ス",),
    "a telegram": ("ハハキトク スグカエレ チチ",),
    "旧字旧仮名": ("我が國の國語の學習に就いて述べる。漢字の書體は、昔より變化して居る。",),
    "classical prose": ("いづれの御時にか、女御、更衣あまたさぶらひたまひけるなかに、すぐれて時めきたまふありけり。",),
    "漢文訓読": ("子曰はく、学びて時に之を習ふ、亦説ばしからずや。朋有り遠方より来たる、亦楽しからずや。",),
    "白文 with its translation": (
        "論語の冒頭を読みます。\n學而時習之、不亦說乎。有朋自遠方來、不亦樂乎。\n"
        "学んだことを折にふれて復習するのは、なんと嬉しいことだろう。友が遠くから訪ねて来るのは楽しいものだ。",
    ),
    "a blog half in English": (
        "Yesterday I upgraded the server and everything broke, so here are my notes in both languages.\n"
        "The kernel module failed to build because the headers were missing from the package repository.\n"
        "昨日サーバーを更新したら全部壊れたので、メモを残しておきます。\nヘッダーが無くてモジュールの構築に失敗していました。\n"
        "After installing the headers by hand the build passed and the machine came back.",
    ),
    "a long English quotation": (
        "The following is a quotation from the manual of the printer. Please read all of it before you begin.\n"
        "なお、ここから先は日本語で説明します。設定は次のとおりです。",
    ),
    "a technical page, mostly code": ("Pythonで一覧を読み込む方法です。" + CODE, "CSVの読み込み方", "ja"),
    "the same without a word about itself": ("Pythonで一覧を読み込む方法です。" + CODE,),
    "a command line in a sentence": (
        "設定ファイルに export DEBIAN_FRONTEND=noninteractive と書き、apt-get update を実行します。",
    ),
    "a lesson of English": (
        "「I have been to Kyoto.」は「京都に行ったことがあります」という意味です。\nHave you ever been to Kyoto?\n"
        "No, I have never been there.\nHow many times have you been to Kyoto?\n現在完了形の疑問文では、haveを主語の前に置きます。",
    ),
    "a lesson of Chinese": (
        "中国語で「ありがとう」は「谢谢」、「こんにちは」は「你好」と言います。「我是日本人」は「私は日本人です」という意味です。",
    ),
    "a lesson of Korean": ("韓国語で「ありがとう」は「감사합니다」、「こんにちは」は「안녕하세요」と言います。",),
    "a phrase book with romaji": (
        "ありがとう (arigatou) thank you\nこんにちは (konnichiwa) hello, good afternoon\n"
        "さようなら (sayounara) goodbye\nおはようございます (ohayou gozaimasu) good morning",
    ),
    "a diary with emoji": ("きょうのランチ🍜✨おいしかった～😋💕また行こうねっ‼️🎶",),
    "kaomoji": ("やっと届いた(´・ω・`) うれしすぎる(ﾟДﾟ)ﾉ でも箱がでかい(；´Д｀)",),
    "a list of goods": ("スニーカー サンダル ブーツ ベルト バッグ 靴",),
    "a shop": ("税込価格 1,980円 送料無料 在庫あり\n有機ほうじ茶 百グラム入り 定期便あり",),
    "a headline": ("首相、来月訪米で調整 日米首脳会談へ",),
    "an address": ("東京都千代田区丸の内一丁目九番地",),
    "a kanji title with a form that only Japanese has": ("東京電機大学工学部図書館利用案内",),
    "Okinawan, written as Japanese": ("ハイサイ グスーヨー チューウガナビラ ワッターヤ ウチナーンチュ ヤイビーン",),
    "a results table": (
        "| 着順 | 馬名 | 騎手 |\n|---|---|---|\n| 1 | ハルノアラシ | 山田対馬 |\n| 2 | キタノカゼ | 広田栄作 |",
    ),
}

FOREIGN: dict[str, tuple[str, ...]] = {
    "a Chinese shop with の": ("優の良品 官方旗舰店 全场包邮 满减优惠 正品保证 七天无理由退换货",),
    "the same on a page that says it is Japanese": ("優の良品 官方旗舰店 全场包邮 满减优惠 正品保证", "優の良品", "ja"),
    "a Taiwanese shop with kana brands": (
        "ソニー SONY 索尼 WH-1000XM5 無線降噪耳機 公司貨 全新未拆 現貨供應中\n"
        "パナソニック 國際牌 電動刮鬍刀 日本原裝進口\n無印の生活 家居用品 特價 限時優惠 滿千免運",
    ),
    "a Taiwanese seller of cosmetics": (
        "マキアージュ 心機美肌粉餅 日本境內版 台灣代購\n★雪の肌 保濕面膜 五片入 優惠價 399元 下單前請先詢問庫存",
    ),
    "a forum in traditional Chinese with の": (
        "今天の天氣真好，我の朋友說要去吃拉麵，可是我の錢包空空如也。\n樓主の照片好漂亮，請問是在哪裡拍の？",
    ),
    "a forum in simplified Chinese with の": ("昨天の比赛太精彩了，大家の看法呢？我觉得这个队の表现很不错。",),
    "a Chinese lesson of Japanese": (
        "第三课 我是学生\n今天我们学习日语的判断句。“わたしは学生です”的意思是“我是学生”。\n"
        "在这个句子里，“は”是助词，读作“wa”，表示主题；“です”是判断助动词。\n老师：这个语法点在考试中经常出现。",
    ),
    "Chinese with readings in brackets": (
        "日本語（にほんご）是日本的官方語言，漢字（かんじ）與假名（かな）混合書寫。東京（とうきょう）是日本的首都。",
    ),
    "a Taiwanese review of a film": (
        "我覺得這一部電影的畫面真的很漂亮，尤其是煉獄杏壽郎（れんごく きょうじゅろう）的戰鬥場面。\n推薦大家一定要去看！",
    ),
    "Taiwanese law with 之 and 的": (
        "中華民國之主權屬於國民全體。本法所稱之行政機關，係指代表國家表示意思之組織。人民的自由應受保障。",
    ),
    "Cantonese": ("香港旅遊發展局公布最新數字，首季旅客人次上升。佢哋話會繼續推廣。",),
    "a Chinese article on a Japanese singer": ("渋谷凜，日本的女性聲優，東京都出身。代表作品有《ラブライブ！》等。",),
    "a Chinese title": ("人工智能技术研究开发中心通知公告",),
    "a Chinese page with a Japanese footer": (
        "我们公司成立于一九九八年，主要生产各种电子产品，欢迎新老客户来电咨询。产品远销海外，深受用户好评。\n"
        "お問い合わせはこちらからお願いします。",
    ),
    "a Korean shop with kana brands": (
        "무인양품 無印良品 공식 온라인 스토어\nソニー 소니 헤드폰 할인 판매 중입니다. 무료 배송!",
    ),
    "a Korean page with the words of a Japanese song": (
        "일본 노래 가사와 발음을 소개합니다.\n春の風が窓をたたく朝\n하루노 카제가 마도오 타타쿠 아사\n봄바람이 창문을 두드리는 아침\n"
        "この歌をきみに届けたい\n코노 우타오 키미니 토도케타이\n이 노래를 너에게 전하고 싶어\n많은 사랑을 받은 노래입니다.",
    ),
    "a Korean lesson of Japanese": (
        "일본어 조사 は와 が의 차이를 알아봅시다. 私は学生です 는 나는 학생입니다라는 뜻입니다.",
    ),
    "English about one word": ("This page is about the Japanese word かわいい and nothing else of note.",),
    "an English shop with kana brands": (
        "Shop authentic Japanese stationery: ジブン手帳, コクヨ Campus notebooks and トンボ pencils. Free shipping on all "
        "orders over $50. Sign up for our newsletter to receive the latest offers and discounts.",
    ),
    "an English lesson of Japanese": (
        "In Japanese, the particle は (wa) marks the topic and が (ga) marks the subject, as in 私は学生です (watashi wa "
        "gakusei desu). Learners often confuse the two. This article explains the difference with many examples.",
    ),
    "romaji": ("Watashi wa gakusei desu. Kyou wa tenki ga ii kara, kouen made arukimashita.",),
    "Vietnamese with a Japanese quotation": (
        'Câu "ありがとうございます" trong tiếng Nhật có nghĩa là "cảm ơn". Người học tiếng Nhật nên biết cách dùng của nó '
        "trong từng hoàn cảnh giao tiếp khác nhau hằng ngày.",
    ),
    "Thai with Japanese quotations": (
        "คำว่า ありがとうございます ในภาษาญี่ปุ่นแปลว่า ขอบคุณ ซึ่งใช้ในสถานการณ์ที่เป็นทางการมากกว่า ありがとう",
    ),
    "a menu in ten languages": (
        "English | 日本語 | 简体中文 | 繁體中文 | 한국어 | Français | Deutsch | Español | Tiếng Việt | ไทย\n"
        "Home お問い合わせ 联系我们 聯絡我們 문의하기 Contact us Kontakt Contacto",
    ),
}

# What a reader would call it, and why it comes out otherwise.
MISTAKES: dict[str, tuple[bool, tuple[str, ...]]] = {
    "a kanji title without kana or a form of one country": (True, ("東京都千代田区立小学校入学式典",)),
    "a list of names, the same": (True, ("佐藤太郎、鈴木一郎、高橋花子、田中次郎",)),
    "Japanese words inside a long English line": (
        True,
        (
            '某紙の "Learning from Others" という記事。 '
            + "The executives of the company recently spoke about what they learned. " * 3,
        ),
    ),
    "Ainu, which the model does not know and kana write": (False, ("アイヌ モシㇼ ピㇼカ カムイ イランカラㇷ゚テ",)),
    "an English page with a Japanese frame that says it is Japanese; JA103 drops it": (
        False,
        (
            "関連するヘルプ\n"
            + "Inserts the contents of the clipboard into the file in a format that you can specify. " * 4,
            "Paste",
            "ja",
        ),
    ),
    "a listing without a Japanese word under a Japanese title; JA103 drops it": (
        False,
        ("alice\n2012-08-16 09:45\nbob\n2012-08-14 15:45\ncarol", "投稿の一覧｜ことばの広場", "ja"),
    ),
    "a Chinese word list for learners, a reading on each line": (
        False,
        ("先生 せんせい 老师\n学生 がくせい 学生\n銀行 ぎんこう 银行\n病院 びょういん 医院",),
    ),
}


def judged(text: str, title: str = "", declared: str = "") -> Score:
    return score(text, identify(text, model_path(BUILT_IN)).japanese, title, declared)


@pytest.mark.parametrize("page", JAPANESE.values(), ids=JAPANESE)
def test_japanese(page: tuple[str, ...]) -> None:
    assert judged(*page).japanese >= 0.5


@pytest.mark.parametrize("page", FOREIGN.values(), ids=FOREIGN)
def test_not_japanese(page: tuple[str, ...]) -> None:
    assert judged(*page).japanese < 0.5


@pytest.mark.parametrize(("is_japanese", "page"), MISTAKES.values(), ids=MISTAKES)
def test_known_mistakes_are_still_made(is_japanese: bool, page: tuple[str, ...]) -> None:
    """Whoever mends one moves it up into its table."""
    assert (judged(*page).japanese >= 0.5) != is_japanese


def test_the_share_of_japanese_paragraphs_tells_what_the_score_does_not() -> None:
    blog, novel = judged(*JAPANESE["a blog half in English"]), judged(*JAPANESE["classical prose"])
    assert min(blog.japanese, novel.japanese) >= 0.8
    assert 0.1 < blog.paragraphs < 0.5
    assert novel.paragraphs == 1.0
