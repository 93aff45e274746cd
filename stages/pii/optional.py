"""Kinds that are off by default: what they look for is often public (the account of a charity, the name on an imprint)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from stages.pii.base import DIGITS, HYPHENS, Wording, kind
from stages.spans import Span
from stages.widths import fold

_NAME = (
    "(?:(?<!<)氏名|お?名前|担当者名?|代表者名?|申込者|世帯主)[ \u3000]?[:：\u3000\n]\\s?"
    "(?P<name>[々〆ヶ\u4e00-\u9fff]{1,4}[ \u3000]?[々〆ヶ\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff]{1,4})(?=[\\s、。（(]|$|様|さん|氏|住所)"
)
_NAMED = re.compile(_NAME)
# From 都道府県 or 市区町村 to the number of the house, which is what tells one house from another.
_NUMBER = f"[{DIGITS}一二三四五六七八九十]"
_HOUSE = re.compile(
    f"[市区町村郡][^\\s、。<>{DIGITS}]{{0,16}}?"
    f"(?P<house>{_NUMBER}{{1,4}}(?:丁目|番地の?|番|[{HYPHENS}の])(?:{_NUMBER}{{1,4}}(?:番地?|号|[{HYPHENS}の]|(?![{DIGITS}年月日円]))){{0,3}})"
)
_APART = 100  # characters between a name and its address, at most


@kind("<氏名>", "<番地>")
def name_address(text: str) -> Iterable[Span]:
    """氏名 with 番地: a name of kanji behind its label, and within two lines the number of a house. Both are masked.

    keep: 氏名：山田太郎
    keep: 東京都千代田区丸の内1-2-3
    keep: 氏名は本文に書かない。会議は3番目の部屋で。
    mask: 氏名：山田 太郎、住所：東京都千代田区丸の内1丁目2番3号
    mask: 担当者：鈴木花子\\n大阪市北区梅田４－５－６
    misfire: 担当者：広報部\\n大阪市北区梅田4-5-6
    missed: 山田太郎（東京都千代田区丸の内1-2-3）
    """
    end = 0
    for named in _NAMED.finditer(text):
        stop = _second_end(text, named.end("name"))
        house = _HOUSE.search(text, named.end("name"), stop)
        if named.start() >= end and house:
            yield (*named.span("name"), name_address.placeholders[0])
            yield (*house.span("house"), name_address.placeholders[1])
            end = house.end()


def _second_end(text: str, at: int) -> int:
    """The end of the next line, or of the sentence before it: at most `_APART` characters from `at`."""
    window = text[at : at + _APART]
    lines = window.split("\n", 2)
    return at + len("\n".join(lines[:2]).split("。", 1)[0])


_IP = re.compile(
    "[0-9a-fA-F](?:"
    "(?<=[0-9])(?<![0-9A-Za-z_.:-].)[0-9]{0,2}+(?:\\.[0-9]{1,3}+){3}(?![0-9A-Za-z_]|\\.[0-9])"
    "|(?<=[23])(?<![0-9A-Za-z_.:].)[0-9a-fA-F]{3}:[0-9a-fA-F:]{2,34}+(?![0-9A-Za-z_]|\\.[0-9]))"
)
_IP_WORDS = re.compile(
    "(?<!<)(?:(?<![A-Za-z])IP(?![A-Za-z])|ＩＰ|アイピー|接続元|ホスト|アクセス元|(?<![A-Za-z])host)", re.IGNORECASE
)
_VERSION = re.compile(
    "(?:(?<![A-Za-z])(?:v|ver|version|rev|revision|release|build|firmware|oid)|バージョン|ヴァージョン|版|ファームウェア|リビジョン|第|§)"
    "[\\s.:：は=]{0,3}$",
    re.IGNORECASE,
)


@kind("<IPアドレス>")
def ip(text: str) -> Iterable[Span]:
    """IP addresses of the public net, IPv4 and IPv6. Of four numbers all below 100, as chapters have, only beside wording.

    keep: Ver. 10.200.3.4 と バージョン1.2.3.4 の違い
    keep: ルーターは 192.168.100.1、自分は 127.0.0.1 です。
    keep: 1.2.3.4 節を見よ。時刻は 12:34:56、std::vector
    mask: 接続元は 203.10.99.7 でした。
    mask: IPアドレス 8.8.8.8
    mask: 2400:cb00:2048:1::c629:d7a2 から接続
    misfire: カーネル 5.4.0.150 を入れた。
    missed: 8.8.8.8 から接続
    """
    words = Wording(text, _IP_WORDS)
    for found in _IP.finditer(text):
        start, end = found.span()
        address = found.group()
        if ":" in address:
            address = address.rstrip(":")
            end = start + len(address)
        if not _is_public(address) or _VERSION.search(text[max(0, start - 16) : start]):
            continue
        if ":" in address or max(map(int, address.split("."))) >= 100 or words.before(start, 1):
            yield start, end, ip.placeholders[0]


def _is_public(address: str) -> bool:
    try:
        return (IPv6Address(address) if ":" in address else IPv4Address(address)).is_global
    except AddressValueError:
        return False


_ACCOUNT = re.compile(
    "[普当貯口記](?:(?:通|座|蓄)(?:預金|貯金|口座)?|座番号|号[\\s:：]{0,3}[0-9０-９]{5}[\\s、]{0,3}番号|(?<=[(（]普)[)）]|(?<=[(（]当)[)）])"
    "(?:[\\sは:：（）()、・/／]|口座|番号|No[.]?|普通|当座|貯蓄){0,8}+"
    f"(?P<number>[{DIGITS}]{{7,8}}+)(?![{DIGITS}A-Za-z円件人個]|[.,，][{DIGITS}])",
    re.IGNORECASE,
)


@kind("<口座番号>")
def bank_account(text: str) -> Iterable[Span]:
    """口座番号: seven digits directly behind 普通, 当座, 貯蓄 or 口座番号; eight behind 記号 and 番号 of ゆうちょ銀行.

    keep: 普通の日は1234567円売れます。
    keep: 普通 1234567円、当座 1,234,567円
    keep: 〒1234567
    mask: みずほ銀行 本店 普通 1234567
    mask: 口座番号：当座０１２３４５６
    mask: 記号 12345 番号 12345671
    misfire: 普通 1234567 回転です。
    missed: 三井住友銀行 本店 1234567
    """
    for found in _ACCOUNT.finditer(text):
        if len(fold(found.group("number"))) == 7 or found.group().startswith("記"):
            yield (*found.span("number"), bank_account.placeholders[0])
