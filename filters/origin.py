"""JA0xx: where a document came from and how well it could be read."""

from __future__ import annotations

from typing import Final

from filters.base import keep_if
from filters.page import Page

# Of the signals that extraction records those that speak of training. noindex and noarchive speak of search, noimageai of pictures.
_OBJECTIONS: Final = frozenset({"noai", "noml", "tdm-reserved"})


@keep_if(
    code="JA001",
    at_least=0.5,
    source="HojiChar: fastText p(ja) 0.5. The language stage calibrates its score so that 0.5 is an even chance",
)
def japanese_score(page: Page) -> float:
    """How surely the text is Japanese, as the language stage scores it.

    中国語・韓国語・英語のページを落とす。日本語は少なくとも半分の確からしさを要する。

    keep: url=https://example.jp/blog/12 host=example.jp japanese=0.99 language=ja characters=1200
    drop: url=https://example.cn/news/3 host=example.cn japanese=0.03 language=zh characters=900
    misfire: url=https://example.jp/kanshi/5 host=example.jp declared_language=ja japanese=0.21 language=zh characters=160
    """
    return page.japanese


@keep_if(
    code="JA002",
    at_most=0.01,
    source="Uzushio drops a page for one bad byte in its first 20 KB, FineWeb-2 for any; "
    "0.01 here: a long page with a torn emoji or two stays",
)
def undecodable_share(page: Page) -> float:
    """Characters that could not be decoded, among those of the text.

    文字コードの取り違えや壊れたバイト列を落とす。一字や二字の欠けは許す。

    keep: charset=cp932 replaced=1 characters=1500
    drop: charset=euc-jp replaced=300 characters=900
    misfire: charset=utf-8 replaced=2 characters=120
    """
    return min(1.0, page.replaced / page.characters) if page.characters else 0.0


@keep_if(
    code="JA003",
    at_most=0,
    source="noai: DeviantArt, 2022; noml: Mojeek; tdm-reserved: TDM Reservation Protocol, W3C community group, 2024",
)
def objections(page: Page) -> float:
    """Signals by which the page or its server objects to the training of models, to all robots or to one.

    学習への利用を断るページ（noai、noml、TDMRepの留保）を落とす。検索避けのnoindexだけなら残す。

    keep: url=https://example.jp/blog/12 policy=noindex
    drop: url=https://example.jp/gallery/3 policy=noai+noimageai
    drop: url=https://example.jp/novel/8 policy=gptbot:noai
    """
    return sum(signal.rpartition(":")[2] in _OBJECTIONS for signal in page.policy.split())
