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
    uz ウズベク語|az アゼルバイジャン語|sw スワヒリ語|af アフリカーンス語|am アムハラ語|qu ケチュア語|ain アイヌ語|mg マダガスカル語
    ti ティグリニャ語|so ソマリ語|ha ハウサ語|yo ヨルバ語|ig イボ語|zu ズールー語|xh コサ語|st ソト語|tn ツワナ語|rw ルワンダ語|ln リンガラ語|sg サンゴ語
    wo ウォロフ語|ff フラニ語|sn ショナ語|ny チェワ語|mt マルタ語|lb ルクセンブルク語|fy 西フリジア語|fry 西フリジア語|br ブルトン語|oc オック語|co コルシカ語
    gd スコットランド・ゲール語|sco スコットランド語|fo フェロー語|kl グリーンランド語|se 北部サーミ語|yi イディッシュ語|rm ロマンシュ語|nds 低地ドイツ語
    sh セルビア・クロアチア語|bs ボスニア語|ku クルド語|ps パシュトー語|sd シンド語|pa パンジャーブ語|gu グジャラート語|mr マラーティー語|or オリヤー語
    kn カンナダ語|ml マラヤーラム語|si シンハラ語|dv ディベヒ語|dz ゾンカ語|pi パーリ語|ug ウイグル語|tk トルクメン語|ky キルギス語|tg タジク語|tt タタール語
    ba バシキール語|cv チュヴァシ語|ce チェチェン語|os オセット語|ab アブハズ語|crh クリミア・タタール語|jv ジャワ語|su スンダ語|ceb セブアノ語|ilo イロカノ語
    mi マオリ語|haw ハワイ語|sm サモア語|to トンガ語|fj フィジー語|pau パラオ語|tpi トク・ピシン|ht ハイチ語|pap パピアメント語|gn グアラニー語|ay アイマラ語
    nah ナワトル語|nv ナバホ語|iu イヌクティトゥット語|ang 古英語|enm 中英語|fro 古フランス語|frm 中フランス語|goh 古高ドイツ語|gmh 中高ドイツ語|non 古ノルド語
    got ゴート語|cu 古代教会スラヴ語|syc シリア語|arc アラム語|akk アッカド語|sux シュメール語|cop コプト語|peo 古代ペルシア語|ota オスマン語|nan 閩南語|yue 広東語
    wuu 呉語|hak 客家語|mnc 満州語|ryu 沖縄語|ko-hani 朝鮮語|sr-latn セルビア語|zh-hans 簡体字中国語|zh-hant 繁体字中国語|nn ニーノシュク|nb ブークモール
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
    smr サンマリノ mco モナコ mon モナコ and アンドラ lie リヒテンシュタイン mlt マルタ cyp キプロス mkd マケドニア mda モルドバ xkx コソボ
    lbn レバノン syr シリア jor ヨルダン ksa サウジアラビア kuw クウェート bhr バーレーン omn オマーン oma オマーン yem イエメン uae アラブ首長国連邦
    pse パレスチナ ple パレスチナ afg アフガニスタン tjk タジキスタン tkm トルクメニスタン kgz キルギス kir キリバス btn ブータン mdv モルディブ
    brn ブルネイ bru ブルネイ tls 東ティモール mac マカオ guf フランス領ギアナ gum グアム guam グアム plw パラオ fsm ミクロネシア連邦
    mhl マーシャル諸島 nru ナウル tuv ツバル ton トンガ tga トンガ wsm サモア sam サモア asm アメリカ領サモア slb ソロモン諸島 sol ソロモン諸島
    vut バヌアツ van バヌアツ png パプアニューギニア ncl ニューカレドニア pyf フランス領ポリネシア cok クック諸島 niu ニウエ
    lby リビア lba リビア alg アルジェリア sdn スーダン sud スーダン ssd 南スーダン eri エリトリア dji ジブチ som ソマリア uga ウガンダ tza タンザニア
    tan タンザニア rwa ルワンダ bdi ブルンジ cod コンゴ民主共和国 cog コンゴ共和国 gab ガボン gnq 赤道ギニア tcd チャド caf 中央アフリカ共和国
    ner ニジェール mli マリ共和国 bfa ブルキナファソ bur ブルキナファソ tgo トーゴ ben ベナン lbr リベリア sle シエラレオネ gin ギニア
    gnb ギニアビサウ gmb ガンビア cpv カーボベルデ mrt モーリタニア ago アンゴラ ang アンゴラ nam ナミビア bwa ボツワナ bot ボツワナ zmb ザンビア
    zam ザンビア zwe ジンバブエ zim ジンバブエ mwi マラウイ moz モザンビーク mdg マダガスカル mad マダガスカル mus モーリシャス syc セーシェル
    com コモロ lso レソト swz スワジランド stp サントメ・プリンシペ
    gtm グアテマラ gua グアテマラ hnd ホンジュラス hon ホンジュラス slv エルサルバドル esa エルサルバドル nic ニカラグア crc コスタリカ blz ベリーズ
    hti ハイチ hai ハイチ bhs バハマ bah バハマ brb バルバドス bar バルバドス tto トリニダード・トバゴ tri トリニダード・トバゴ grd グレナダ
    lca セントルシア vct セントビンセント・グレナディーン vin セントビンセント・グレナディーン dma ドミニカ国 atg アンティグア・バーブーダ
    kna セントクリストファー・ネイビス guy ガイアナ sur スリナム pur プエルトリコ ber バミューダ諸島 aru アルバ ksv コソボ
    yug ユーゴスラビア scg セルビア・モンテネグロ tch チェコスロバキア frg 西ドイツ gdr 東ドイツ ddr 東ドイツ eur 欧州連合
    """

# {{JPN}} and {{flag|JPN}} show a flag and the country's name: the codes that articles use most
COUNTRIES: dict[str, str] = dict(zip(names(_COUNTRIES)[::2], names(_COUNTRIES)[1::2], strict=True))

# First days of the eras that {{和暦}} knows, the latest first: (year, month, day) and name
ERAS = (
    ((2019, 5, 1), "令和"),
    ((1989, 1, 8), "平成"),
    ((1926, 12, 25), "昭和"),
    ((1912, 7, 30), "大正"),
    ((1868, 1, 25), "明治"),
)
