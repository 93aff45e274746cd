"""Speed of the wikitext cleaner on made-up articles, against a plain regex strip of marks in the same run.

    python tests/bench/wikitext.py [--pages 300]

Prints MB of UTF-8 wikitext a second, one core, best of three. The baseline removes tags, innermost templates and
brackets and nothing else: it is what cleaning costs when nothing is understood. If mwparserfromhell can be imported, its
`strip_code` is timed on a tenth of the pages.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
from collections.abc import Callable, Sequence

from stages.wikitext import clean

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


_MARKUP = re.compile(r"<[^<>]*>|\{\{[^{}]*\}\}|\[\[(?:[^\[\]|]*\|)?|\]\]|'{2,5}")


def stripped(wikitext: str, title: str) -> str:
    return _MARKUP.sub("", wikitext)


def speed(function: Callable[[str, str], str], pages: Sequence[str], rounds: int = 3) -> float:
    """MB of UTF-8 a second, best of `rounds`."""
    size = sum(len(page.encode()) for page in pages)
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        for page in pages:
            function(page, "題")
        best = min(best, time.perf_counter() - start)
    return size / best / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pages", type=int, default=300)
    count = parser.parse_args().pages
    random_state = random.Random(1)  # fixed, for the same pages every time
    pages = [article(random_state) for _ in range(count)]
    ours, baseline = speed(clean, pages), speed(stripped, pages)
    sys.stdout.write(f"clean           {ours:6.1f} MB/s  {ours / baseline:.2f} of the baseline\n")
    sys.stdout.write(f"regex baseline  {baseline:6.1f} MB/s\n")
    try:
        import mwparserfromhell  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        sys.stdout.write("mwparserfromhell: not installed\n")
        return
    peer = speed(lambda page, title: str(mwparserfromhell.parse(page).strip_code()), pages[: max(1, count // 10)])
    sys.stdout.write(f"mwparserfromhell {peer:5.1f} MB/s  clean is {ours / peer:.1f} times as fast\n")


if __name__ == "__main__":
    main()
