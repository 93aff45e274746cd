"""Names that templates of Japanese Wikipedia write out: languages of {{lang-xx}}, countries of {{JPN}}."""

from __future__ import annotations


def names(text: str) -> list[str]:
    """A list written as words with spaces between, for tables that quoted strings would make unreadable."""
    return text.split()


_LANGUAGES = """
    en 英語 英|fr フランス語 仏|de ドイツ語 独|it イタリア語 伊|es スペイン語 西|pt ポルトガル語 葡|ru ロシア語 露|zh 中国語 中|ko 朝鮮語 朝|ja 日本語 日
    la ラテン語 羅|el ギリシア語 希|grc 古代ギリシア語 古希|nl オランダ語 蘭|sa サンスクリット 梵|mn モンゴル語 蒙|tr トルコ語 土|fa ペルシア語
    sv スウェーデン語|no ノルウェー語|da デンマーク語|fi フィンランド語|is アイスランド語|pl ポーランド語|cs チェコ語|sk スロバキア語|hu ハンガリー語
    ro ルーマニア語|bg ブルガリア語|sr セルビア語|hr クロアチア語|sl スロベニア語|mk マケドニア語|sq アルバニア語|uk ウクライナ語|be ベラルーシ語
    et エストニア語|lv ラトビア語|lt リトアニア語|ga アイルランド語|cy ウェールズ語|eu バスク語|ca カタルーニャ語|gl ガリシア語|eo エスペラント
    ar アラビア語|he ヘブライ語|hi ヒンディー語|bn ベンガル語|ta タミル語|te テルグ語|ur ウルドゥー語|ne ネパール語|bo チベット語|my ビルマ語
    th タイ語|lo ラーオ語|km クメール語|vi ベトナム語|id インドネシア語|ms マレー語|tl タガログ語|ka ジョージア語|hy アルメニア語|kk カザフ語
    uz ウズベク語|az アゼルバイジャン語|sw スワヒリ語|af アフリカーンス語|am アムハラ語|qu ケチュア語|ain アイヌ語
    """

# language code -> [name before {{lang-xx}}, abbreviation before {{lang-xx-short}} where there is a common one]
LANGUAGES: dict[str, list[str]] = {
    code: forms for code, *forms in map(names, _LANGUAGES.strip().replace("\n", "|").split("|"))
}

_COUNTRIES = """
    jpn 日本 usa アメリカ合衆国 gbr イギリス eng イングランド sco スコットランド wal ウェールズ nir 北アイルランド irl アイルランド fra フランス
    deu ドイツ ger ドイツ ita イタリア esp スペイン por ポルトガル prt ポルトガル nld オランダ ned オランダ bel ベルギー lux ルクセンブルク
    che スイス sui スイス aut オーストリア swe スウェーデン nor ノルウェー fin フィンランド dnk デンマーク den デンマーク isl アイスランド
    rus ロシア urs ソビエト連邦 ukr ウクライナ blr ベラルーシ pol ポーランド cze チェコ svk スロバキア hun ハンガリー rou ルーマニア
    bgr ブルガリア bul ブルガリア grc ギリシャ gre ギリシャ tur トルコ srb セルビア hrv クロアチア cro クロアチア svn スロベニア
    bih ボスニア・ヘルツェゴビナ mne モンテネグロ alb アルバニア est エストニア lva ラトビア ltu リトアニア geo ジョージア arm アルメニア
    aze アゼルバイジャン kaz カザフスタン uzb ウズベキスタン isr イスラエル irn イラン irq イラク sau サウジアラビア are アラブ首長国連邦
    qat カタール kwt クウェート egy エジプト mar モロッコ dza アルジェリア tun チュニジア zaf 南アフリカ共和国 rsa 南アフリカ共和国
    nga ナイジェリア gha ガーナ cmr カメルーン ken ケニア eth エチオピア sen セネガル civ コートジボワール chn 中国 prc 中国 hkg 香港
    twn 台湾 roc 中華民国 tpe チャイニーズタイペイ kor 韓国 prk 北朝鮮 mng モンゴル ind インド pak パキスタン bgd バングラデシュ
    lka スリランカ npl ネパール tha タイ vnm ベトナム idn インドネシア ina インドネシア mys マレーシア mas マレーシア sgp シンガポール
    phl フィリピン phi フィリピン mmr ミャンマー khm カンボジア lao ラオス aus オーストラリア nzl ニュージーランド fji フィジー
    can カナダ mex メキシコ cub キューバ jam ジャマイカ pri プエルトリコ dom ドミニカ共和国 pan パナマ cri コスタリカ ven ベネズエラ
    col コロンビア ecu エクアドル per ペルー bol ボリビア chl チリ chi チリ arg アルゼンチン ury ウルグアイ uru ウルグアイ pry パラグアイ
    par パラグアイ bra ブラジル vat バチカン
    """

# {{JPN}} and {{flag|JPN}} show a flag and the country's name: the codes that articles use most
COUNTRIES: dict[str, str] = dict(zip(names(_COUNTRIES)[::2], names(_COUNTRIES)[1::2], strict=True))
