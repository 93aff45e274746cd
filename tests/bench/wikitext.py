"""Speed of the wikitext cleaner beside mwparserfromhell and wikitextparser, in one run on the same articles.

    python tests/bench/wikitext.py [--pages 300] [--made-up]

Prints MB of UTF-8 wikitext a second of processor time on one core, reading and bzip2 apart, and how many times as fast the
cleaner is as the faster of the two (the goal: 10). The articles are those of `../shared/data/jawiki-sample.xml.bz2` where that
is there, made-up ones otherwise. The general parsers (`strip_code()`, `plain_text()`) get every twelfth page.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import mwparserfromhell  # type: ignore[import-not-found,unused-ignore]
import wikitextparser  # type: ignore[import-not-found,import-untyped,unused-ignore]

from stages.wikipedia.mediawiki import read
from stages.wikipedia.mediawiki_xml import WikiPage
from stages.wikipedia.wikitext import clean

DUMP = Path(__file__).resolve().parents[3] / "shared" / "data" / "jawiki-sample.xml.bz2"
GOAL = 10.0  # times the faster of the general parsers

SENTENCES = (
    "'''{w}'''（{w}たろう、{{{{lang-en|{w} Taro}}}}）は、[[日本]]の[[作家|小説家]]である<ref>{{{{Cite book|和書|title={w}|year=1999}}}}</ref>。",
    "この地域では古くから[[米]]の栽培が盛んで、江戸時代には{w}の産地として広く知られていた。",
    "[[1923年]]（[[大正]]12年）、{{{{仮リンク|{w}|en|Foo}}}}によって再建された{{{{要出典|date=2020年1月}}}}。",
    "春の終わりには、川沿いの道に多くの人が集まり、{w}の花を眺めながら静かに歩くのだという。",
    "* [[{w}駅]] - {{{{JPN}}}}の[[鉄道駅]]。",
)
INFOBOX = "{{{{Infobox 人物\n|名前 = {w}\n|画像 = [[ファイル:{w}.jpg|200px]]\n|生年月日 = {{{{生年月日と年齢|1970|1|2}}}}\n}}}}\n"
WIKITABLE = '{{| class="wikitable"\n! 年 !! {w}\n|-\n| 2000 || {{{{0}}}}12\n|-\n| 2001 || 34\n|}}\n'


def article(random_state: random.Random) -> str:
    """About 6 kB of wikitext: an infobox, six sections of prose with links and references, a table, 脚注."""

    def fill(pattern: str) -> str:
        return pattern.format(w=random_state.choice("桜梅松竹菊藤萩桐柳楓") + random_state.choice("川山野原田"))

    parts = [fill(INFOBOX)]
    for number in range(6):
        parts.append(f"== 第{number + 1}節 ==\n")
        parts += [fill(random_state.choice(SENTENCES)) + "\n" for _ in range(8)]
    parts += [fill(WIKITABLE), "== 脚注 ==\n{{Reflist}}\n[[Category:例]]\n"]
    return "".join(parts)


def real_articles(dump: Path) -> list[str]:
    """Wikitext of the articles of a dump."""
    pages = (page for page in read(dump) if isinstance(page, WikiPage))
    return [page.wikitext for page in pages if page.namespace == 0 and not page.redirect]


def speed(function: Callable[[str], object], pages: Sequence[str], rounds: int) -> float:
    """MB of UTF-8 a second of processor time, best of `rounds`."""
    size = sum(len(page.encode(errors="surrogatepass")) for page in pages)
    best = float("inf")
    for _ in range(rounds):
        start = time.process_time()
        for page in pages:
            function(page)
        best = min(best, time.process_time() - start)
    return size / best / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pages", type=int, default=300, help="how many articles at most")
    parser.add_argument("--made-up", action="store_true", help="made-up articles even where the sample is there")
    options = parser.parse_args()
    if DUMP.exists() and not options.made_up:
        kind, pages = "real", real_articles(DUMP)[: options.pages]
    else:
        random_state = random.Random(1)  # fixed, for the same pages every time
        kind, pages = "made-up", [article(random_state) for _ in range(options.pages)]
    some = pages[::12]
    peers = {
        "mwparserfromhell": speed(lambda page: mwparserfromhell.parse(page).strip_code(), some, rounds=1),
        "wikitextparser": speed(lambda page: wikitextparser.parse(page).plain_text(), some, rounds=1),
    }
    ours, same = (speed(lambda page: clean(page, "題"), chosen, rounds=5) for chosen in (pages, some))
    ratio = same / max(peers.values())
    sys.stdout.write(f"{len(pages)} {kind} articles, {len(some)} of them for the general parsers\n")
    sys.stdout.write(f"clean             {ours:6.1f} MB/s, {same:.1f} MB/s on those {len(some)}\n")
    for name, value in peers.items():
        sys.stdout.write(f"{name:17} {value:6.1f} MB/s\n")
    sys.stdout.write(f"{ratio:.1f} times the faster of the two (goal: {GOAL:.0f})\n")


if __name__ == "__main__":
    main()
