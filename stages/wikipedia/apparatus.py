"""Templates that carry no running text: dropping them is right, so that they need not be counted as unknown."""

from __future__ import annotations

from stages.wikipedia.names import names


def is_apparatus(key: str) -> bool:
    """Is this normalised name known to carry no running text?"""
    return key.startswith(_STARTS) or key.endswith(_ENDS) or key in _NAMES


def is_data(key: str) -> bool:
    """Is everything inside this template data or its own dressing (an infobox), and never text of the article?"""
    return key.startswith(_DATA)


_DATA = tuple(names("infobox 基礎情報 navbox cite 生物分類表 taxobox 地域区分表 vertical 駅情報"))

# Families by how their names begin or end, then single names.
_STARTS = (
    "#",  # parser functions, {{#tag:ref|...}} among them
    "r|",
    "link ",
    "col-",
    "div col",
    "bar ",
    "start ",
    "end ",
    "s-",
    "pp-",
    "pd-",
    "ja ",
    *_DATA,
    # sources and notes
    *names(
        "cite citation sfn harv efn refn isbn issn asin ncid naid jstor doi ndl webarchive wayback 要 リンク切れ 未検証 未完成 未整理"
    ),
    # sister projects, catalogues, accounts
    *names(
        "commons wik ウィキ amazon imdb allcinema allmusic official twitter facebook youtube instagram google flickr pinterest"
    ),
    *names(
        "tumblr tiktok line blog kotobank kinenote kinejun oricon discogs mobygames 公式 青空文庫 国立国会図書館 全国書誌 sister n- cia"
    ),
    # page dressing
    *names(
        "defaultsort デフォルトソート displaytitle subst: user otheruses redirect main see main2 column legend coord coor colbegin"
    ),
    *names(
        "medal succession flagicon flagdeco fbicon nlicon 駅番号 画像 osm location 基礎自治体 人口 保護 半保護 移動保護 暫定 wide image double image"
    ),
    *names("vertical image multiple image external media 告知 雑多 節 推奨 中立 出典 現在進行 pathnav 曖昧さ回避"),
)
_ENDS = (
    *(
        " icon",
        "stub",
        "スタブ",
        " box",
        " navbox",
        "テンプレート",
        "フッター",
        "-footer",
        "の主要項目",
        "関連の項目",
        "関連項目",
        " end",
        "colend",
    ),
    *(
        "位置図",
        "の地図",
        "の位置",
        "の行政区分",
        "の地方行政区画",
        "の歴代首相",
        "歴代大統領",
        "の節",
        "のチーム",
        "リンク集",
        "位置情報",
    ),
)
_NAMES = frozenset(
    names(
        """
        reflist notelist notelist2 references 脚注ヘルプ 脚注リスト 脚注 誰 誰2 いつ どこ 何 何の 疑問点 独自研究 複数の問題 単一の出典 一次資料 精度 law
        正確性 観点 特筆性 更新 古い情報 大言壮語 保護 良質な記事 秀逸な記事 normdaten 典拠管理 書きかけ項目 参照方法 リンクのみの節 sakujo 即時削除
        混同 about for 特殊文字 表記揺れ案内 記事名の制約 ページ番号 詳細 ママ sic いつごろ なぜ どうやって どれ 誰か 独自研究の可能性 内容過剰 あらすじ過剰
        clear clearleft clearright clr - 0 00 r rp ref note notetag notetext fn oclc pmid pmc arxiv toc tocright tocleft toclimit portal ポータル
        gallery 百科事典的でない anchor anchors アンカー aimai 人名の曖昧さ回避 地名の曖昧さ回避 disambig hndis 同名の地名 同名の人物
        oif oic oecd g8 opec asean アフリカ アジア ヨーロッパ アメリカ オセアニア イギリス連邦 enlink authority iep sep dmoz url ethnologue multimedia
        hiero 樹形図 chart clade cladogram familytree weather climate pie graph demography 拡大画像 音楽ポータル hidden collapse
        afc good featured gnu gfdl cc-by-sa translation 翻訳直後 翻訳中 工事中 新入幕 現在 進行中 訃報 spoiler ネタバレ location map nobots bots
        eu un nato wto imf g20 apec saarc cplp cis cefta ioc fifa 8 wt wikt url2 lcheader imagemap switch if ifeq tracklist 楽曲リスト
        """
    )
)
