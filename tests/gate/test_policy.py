from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.gate.policy import AGENTS, DIRECTIVES, MAX_LICENCES, RESERVED, Policy, evidence

BY_SA = "https://creativecommons.org/licenses/by-sa/4.0/"


def signals(page: str = "", **headers: str) -> tuple[str, ...]:
    return evidence(page, {name.replace("_", "-"): value for name, value in headers.items()}).signals


def licence(page: str) -> str:
    return evidence(page, {}).license


@pytest.mark.parametrize(
    "meta",
    [
        '<meta name="robots" content="noai, noimageai">',
        "<META NAME='ROBOTS' CONTENT='NoAI,NoImageAI'/>",
        "<Meta content=noimageai;noai name=robots>",
        '<meta\n\tname = "robots"\n\tcontent = " noai noimageai ">',
        '<meta data-hid="robots" property="robots" content="noai&#44;&#x20;noimageai" />',
        '<meta http-equiv="X-Robots-Tag" content="noai, noimageai">',
        '<meta name="robots" content="index, noai"><p>本文</p><meta name="robots" content="noimageai">',
        '<meta content="name=description" name="robots" content="x"><meta name=robots content="noai, noimageai">',
    ],
)
def test_directives_are_read_however_they_are_written(meta: str) -> None:
    assert signals(f"<html><head>{meta}</head><body>本文</body></html>") == ("noai", "noimageai")


@pytest.mark.parametrize(
    "page",
    [
        "",
        '<meta name="robots" content="index, follow, max-image-preview:large">',
        '<meta name="robots" value="noai">',
        '<meta name="description" content="robots: noai">',
        '<meta name="mixi-check-robots" content="noai, noimage">',
        '<meta data-name="robots" content="noai">',
        '<metal name="robots" content="noai">',
        '<p>name="robots" content="noai"</p>',
        '<meta name="unknownbot" content="noai">',
        '<meta name="tdm-reservation" content="0">',
    ],
)
def test_what_says_nothing_about_use_gives_nothing(page: str) -> None:
    assert evidence(page, {"x-robots-tag": "max-snippet: 20", "tdm-reservation": "0"}) == Policy()


def test_none_is_noindex() -> None:
    assert signals('<meta name="robots" content="none">') == ("noindex",)


def test_what_is_said_to_one_robot_stays_apart() -> None:
    page = '<meta name="robots" content="noarchive"><meta name="CCBot" content="noindex, nofollow">'
    assert signals(page) == ("ccbot:noindex", "noarchive")


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("noai, noimageai", ("noai", "noimageai")),
        ("NOINDEX", ("noindex",)),
        ("googlebot: noindex, noarchive", ("googlebot:noarchive", "googlebot:noindex")),
        ("noarchive\ngptbot: noindex\nnoai", ("gptbot:noindex", "noai", "noarchive")),
        ("googlebot: nofollow, otherbot: noindex", ()),
        ("unavailable_after: Monday, 25 Jun 2029 15:00:00 PST, noarchive", ("noarchive",)),
        ("max-snippet:-1, noai", ("noai",)),
    ],
)
def test_the_header_may_address_robots_by_name(header: str, found: tuple[str, ...]) -> None:
    assert signals(x_robots_tag=header) == found


def test_a_reservation_of_text_and_data_mining_is_a_signal() -> None:
    assert signals(tdm_reservation="1") == (RESERVED,)
    assert signals('<meta name="tdm-reservation" content="1">') == (RESERVED,)


@pytest.mark.parametrize(
    "page",
    [
        f'<a rel="license" href="{BY_SA}">CC BY-SA 4.0</a>',
        f"<A HREF='{BY_SA}' REL='License noopener'>",
        f"<a rel=license href={BY_SA}deed.ja>",
        f'<link rel="LICENSE" href="{BY_SA.replace("https:", "")}">',
        f'<a rel="cc:license" href="{BY_SA.upper().replace("HTTPS", "http")}">',
        f'<p>license > <a class="license" rel="license" href="{BY_SA.replace("/", "&#x2f;")}legalcode.ja">',
        f'<meta name="DCTERMS.license" content="{BY_SA}">',
        f'<meta property="dc:rights" content="この作品は {BY_SA} の下にあります">',
        '<meta name="dc.rights" content="CC BY-SA 4.0 International">',
        f'<script type="application/ld+json">{{"@type": "Article", "license": "{BY_SA}"}}</script>',
        f'<script type=application/ld+json>[{{"@graph": [{{"license": {{"@id": "{BY_SA}"}}}}]}}]</script>',
    ],
)
def test_a_licence_is_read_however_it_is_declared(page: str) -> None:
    assert licence(page) == "CC-BY-SA-4.0"
    assert licence("<p>license</p>" + page + "<p>本文</p>") == "CC-BY-SA-4.0"


@pytest.mark.parametrize(
    "page",
    [
        f'<a href="{BY_SA}">CC BY-SA 4.0</a>',
        f'<a rel="nofollow" class="license" href="{BY_SA}">',
        f'<p rel="license" href="{BY_SA}">',
        f'license <a href="/">x</a> rel="license" href="{BY_SA}"',
        f'<a href="/">license rel="license" href="{BY_SA}"</a>',
        '<a rel="license">',
        '<a rel="license" href="#license">',
        '<a rel="license" href="javascript:show(1/2)">',
        f'<a rel="license" href="/{"a" * 1000}">',
        '<meta name="dc.rights" content="Copyright 2009 Example. All rights reserved.">',
        '<meta name="dc.rights" content="https://example.jp/copyright.html">',
        '<meta name="dcterms.license" content="無断転載を禁じます">',
        f'<script type="application/ld+json">{{"@type": "ImageObject", "license": "{BY_SA}"}}</script>',
        f'<script type="application/ld+json">{{"license": "{BY_SA}"</script>',
        '<script type="application/ld+json">{"@type": [{}], "license": [1, null, {}, "\\ud800/"]}</script>',
    ],
)
def test_what_declares_no_licence_of_the_text_gives_none(page: str) -> None:
    assert licence(page) == ""


@pytest.mark.parametrize(
    ("address", "id"),
    [
        ("http://creativecommons.org/licenses/by/2.1/jp/", "CC-BY-2.1-JP"),
        ("https://creativecommons.org/licenses/by/4.0/jp/", "CC-BY-4.0"),
        ("https://www.creativecommons.org/licenses/by-nc-nd/3.0/igo/", "CC-BY-NC-ND-3.0-IGO"),
        ("http://creativecommons.org/licenses/by-nd-nc/1.0/", "CC-BY-NC-ND-1.0"),
        ("http://creativecommons.org/licenses/by-sa/3.0/rdf", "CC-BY-SA-3.0"),
        ("https://creativecommons.org/publicdomain/zero/1.0/deed.ja", "CC0-1.0"),
        ("https://creativecommons.org/publicdomain/mark/1.0/", "CC-PDM-1.0"),
        ("https://creativecommons.org/licenses/sampling+/1.0/", "https://creativecommons.org/licenses/sampling+/1.0/"),
        ("https://www.gnu.org/licenses/fdl-1.3.html", "https://www.gnu.org/licenses/fdl-1.3.html"),
        ("/利用規約", "/利用規約"),
        ("CC0", "CC0"),
    ],
)
def test_creative_commons_has_short_ids_and_others_keep_their_address(address: str, id: str) -> None:
    assert licence(f'<a rel="license" href="{address}">') == id


def test_a_page_in_parts_has_all_its_licences() -> None:
    page = f'<a rel="license" href="/terms"><a rel="license" href="{BY_SA}"><a rel="license" href="{BY_SA}deed.ja">'
    assert licence(page) == "/terms CC-BY-SA-4.0"
    assert len(licence("".join(f'<a rel="license" href="/{n}">' for n in range(999))).split()) == MAX_LICENCES


def test_a_link_header_can_declare_a_licence() -> None:
    headers = {"link": f'</style.css>; rel=preload, <{BY_SA}>; rel="license"'}
    assert evidence("", headers).license == "CC-BY-SA-4.0"


_PIECES = ["<meta ", "name=", "robots", '"', "'", "content", "=", "noai", ":", ",", " ", "<a ", "rel=", "license", ">"]
_PIECES += [
    "href=",
    "<script ld+json>",
    '"license":',
    "{",
    "}",
    "[",
    "</script>",
    "googlebot",
    "\ud800",
    "&#",
    "\n",
    BY_SA,
]


@given(st.lists(st.sampled_from(_PIECES)).map("".join) | st.text(), st.lists(st.sampled_from(_PIECES)).map("".join))
def test_any_page_gives_signals_of_the_closed_set(page: str, header: str) -> None:
    found = evidence(page, {"x-robots-tag": header, "link": header, "tdm-reservation": header})
    assert list(found.signals) == sorted(set(found.signals))
    for signal in found.signals:
        agent, _, directive = signal.rpartition(":")
        assert signal == RESERVED or (directive in DIRECTIVES and agent in AGENTS | {""})
    found.license.encode()


@pytest.mark.parametrize(
    "page",
    [
        *("<meta " * 100_000, "<a license " * 90_000, "license " * 120_000, "<a rel=license href=" * 50_000),
        *(
            '<meta name="robots" a="' * 40_000,
            "<meta name=robots content=noai>" * 30_000,
            "<meta name" + " " * 1_000_000,
        ),
        *("<script ld+json>" + '"license"' * 100_000, "<script ld+json>" * 60_000, "<" * 1_000_000 + "license"),
        '<script ld+json>{"license":' + "[" * 1_000_000 + "</script>",
    ],
    ids=range(11),
)
def test_a_megabyte_of_one_thing_takes_linear_time(page: str) -> None:
    began = time.process_time()
    evidence(page, {"x-robots-tag": "x-robots-tag:" * 80_000, "link": "<" * 1_000_000})
    assert time.process_time() - began < 2  # quadratic would take minutes


def test_json_that_nests_too_deep_says_nothing() -> None:
    nested = json.dumps({"license": BY_SA}) + "]" * 99
    assert licence(f'<script type="application/ld+json">{"[" * 100_000}{nested}</script>') == ""
