"""Which lines of a page are its text: those that the extractor took, corrected by where they stand.

The extractor (trafilatura) knows pages of `<article>` and `<p>`. On others it takes single paragraphs and leaves lists,
headings and lines straight in a `<div>`, or takes menus along. So its output says which lines of the page belong to the
text, and then four rules that know nothing of sites correct it:

    match        a line is taken whose character 6-grams are in the output; how it reads is the page's affair
    rows, menus  rows of links, runs of short links, and short links at either end go
    second look  where less than .6 of the visible prose was taken, all of it is
    fill         the heading above joins, and what stands between taken lines, unless it is links, an aside or comments

Measured on 58 development sites (recall, leak, F1): .888 .056 .879 as extracted, .904 .061 .893 after match, .935 .067 .909
with fill too, .930 .049 .918 with all, .940 .041 .929 since what holds most of the text is no aside whatever its name and
links in a header and headlines at the end go; flat within .005 for FILL_LINKED .2 to .5, LINK_RUN 2 to 4, SHORT_LINK 8 to
12. `tests/bench/extraction.py` prints the last of them. Everything is linear in the lines and characters of the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, groupby
from unicodedata import normalize

from stages.html.lines import Line, Page

GRAM = 6  # characters: a window this long seldom stands in two places of a page
PROBES = 8  # grams looked up for a line at most, or one in eight of them for a long one
MATCH = 0.75  # share of a line's characters that must be known
COVERED = 0.75  # share of the output that must be found on the page; less, and it came from elsewhere (JSON-LD)
LINK_ROW = 0.6  # share of letters in links from which a line of two and more links is a row of links
SHORT_LINK = 12  # letters: トップページへ戻る, 次のページ
LINK_RUN = 3  # lines: so many short links one under the other are a menu
FILL_LINKED = 0.3  # share of letters in links up to which a passage is text
HEADING_AWAY = 5  # lines between the heading of the page and the first line taken
PROSE_TAKEN = 0.6  # share of the visible prose that must have been taken
PROSE = 100  # letters of visible prose from which that share says something
_HEADINGS = frozenset({"h2", "h3", "h4", "h5", "h6"})
THREAD = 100  # letters outside the places of comments; where fewer were taken, the comments are the content


@dataclass(frozen=True, slots=True)
class Selection:
    """The text of a page, and the characters that its readers wrote below it, in the text or not."""

    text: str
    comment_characters: int


def select(page: Page, extracted: str, title: str, *, comments: bool) -> Selection:
    """The text of `page`, of which an extractor took `extracted`; with the comments of readers if `comments`."""
    places = _Places(page)
    taken = _match(page.lines, places, extracted)
    if _correct_asides(page, taken):
        places = _Places(page)
        taken = _match(page.lines, places, extracted)
    if _size(page.lines, taken) < COVERED * len(_key(extracted.replace("|", ""))):
        return Selection(extracted, 0)
    thread = _letters(page.lines, (take and not by for take, by in zip(taken, places.comments, strict=True))) < THREAD
    by_readers = [
        not thread and by and not aside and line.linked <= FILL_LINKED * line.letters
        for line, by, aside in zip(page.lines, places.comments, places.aside, strict=True)
    ]
    taken = [take and (thread or not by) for take, by in zip(taken, places.comments, strict=True)]
    for pruned in (_without_menus(page, taken, title), _without_rows(page, taken), taken):
        corrected = _fill(page, _second_look(page.lines, pruned, places, thread), title)
        if 2 * _letters(page.lines, corrected) >= _letters(page.lines, taken):
            break  # else the page is a list of links, and they are its text
    taken = corrected
    if comments:
        taken = [take or by for take, by in zip(taken, by_readers, strict=True)]
    text = "\n".join(line.text for line, take in zip(page.lines, taken, strict=True) if take)
    return Selection(
        text.strip("\n"), sum(len(line.text) for line, by in zip(page.lines, by_readers, strict=True) if by)
    )


class _Places:
    """For each line whether any block around it is an aside, or a place of comments."""

    def __init__(self, page: Page) -> None:
        aside: list[bool] = []
        comments: list[bool] = []
        for block in page.blocks:
            aside.append(block.aside or (block.parent >= 0 and aside[block.parent]))
            comments.append(block.comments or (block.parent >= 0 and comments[block.parent]))
        self.aside = [aside[line.block] for line in page.lines]
        self.comments = [comments[line.block] for line in page.lines]


def _correct_asides(page: Page, taken: list[bool]) -> bool:
    """Whether a block that holds most of what was taken had an aside's name or tag; it is none, and says so from now on.

    `<form>` around a whole page, class "recommend" of an article: an aside holds what is beside the text.
    """
    letters = [0, *accumulate(line.letters * take for line, take in zip(page.lines, taken, strict=True))]
    wrong = [
        block
        for block in page.blocks
        if block.aside and 2 * (letters[block.last] - letters[block.first]) > letters[-1] > 0
    ]
    for block in wrong:
        block.aside = False
    return bool(wrong)


def _match(lines: list[Line], places: _Places, extracted: str) -> list[bool]:
    """For each line whether most of it is in `extracted`, cell by cell; in an aside, whether it is a line there."""
    text = _key(extracted)
    grams = {text[start : start + GRAM] for start in range(len(text) - GRAM + 1)}
    # What is too short for a gram is compared whole: as a line, as a list item, as a cell of a table.
    rows = {_key(line.replace("|", "").removeprefix("- ")) for line in extracted.splitlines()}
    cells = {_key(cell) for line in extracted.splitlines() if "|" in line for cell in line.split("|")}
    whole = rows | cells
    return [
        _key(line.text) in rows if aside else _known(line.text, grams, whole)
        for line, aside in zip(lines, places.aside, strict=True)
    ]


def _known(text: str, grams: set[str], whole: set[str]) -> bool:
    characters = hits = 0.0
    for cell in text.split("\t"):
        key = _key(cell)
        characters += len(key)
        if len(key) < GRAM:
            hits += len(key) * (key in whole)
            continue
        starts = range(0, len(key) - GRAM + 1, max(1, (len(key) - GRAM) // PROBES))
        hits += len(key) * sum(key[start : start + GRAM] in grams for start in starts) / len(starts)
    return characters > 0 and hits >= MATCH * characters


def _without_rows(page: Page, taken: list[bool]) -> list[bool]:
    """A row of links goes, but not from a table of data, where it is one row of many."""
    navigation: dict[int, bool] = {}  # number of a table -> whether most of its rows are links
    result = list(taken)
    for number, line in enumerate(page.lines):
        if taken[number] and line.links > 1 and _is_linked(line) and "。" not in line.text:
            table = _table_of(page, line) if "\t" in line.text else -1
            if table >= 0 and table not in navigation:
                block = page.blocks[table]
                rows = [row for row in page.lines[block.first : block.last] if "\t" in row.text]
                navigation[table] = sum(map(_is_linked, rows)) > LINK_ROW * len(rows)
            result[number] = not navigation.get(table, True)
    return result


def _table_of(page: Page, line: Line) -> int:
    """Number of the innermost table around a line, -1 if there is none."""
    block = line.block
    while block >= 0 and page.blocks[block].tag != "table":
        block = page.blocks[block].parent
    return block


def _without_menus(page: Page, taken: list[bool], title: str) -> list[bool]:
    """Also without runs of short links; without short links, and links of the page's header, before all else; and without
    short links, and a list of headlines that lead elsewhere, after it."""
    lines, rows = page.lines, _without_rows(page, taken)
    links = [line.links > 0 and line.letters <= SHORT_LINK and _is_linked(line) for line in lines]
    menus = {number for run in _runs(links) if len(run) >= LINK_RUN for number in run}
    rest = [number for number, take in enumerate(rows) if take and number not in menus]
    while rest and links[rest[-1]]:
        rest.pop()
    headlines = 0
    while headlines < len(rest) and _is_headline(lines[rest[-1 - headlines]]):
        headlines += 1
    if headlines >= LINK_RUN:
        del rest[-headlines:]
    first = next(
        (place for place, number in enumerate(rest) if not (links[number] or _is_masthead(page, lines[number], title))),
        len(rest),
    )
    return _flags(rest[first:], len(lines))


def _is_headline(line: Line) -> bool:
    """Whether a line is nothing but a link, as in 関連記事."""
    return line.links > 0 and line.linked == line.letters and "。" not in line.text


def _is_masthead(page: Page, line: Line, title: str) -> bool:
    """Whether a line is a link in the header of the page, where the name of a site leads to its first page. What the title
    of the page begins with is the headline of an article, which may lead to itself."""
    if line.linked < line.letters or _key(title).startswith(_key(line.text)):
        return False
    around = [page.blocks[line.block]]
    while around[-1].parent >= 0:
        around.append(page.blocks[around[-1].parent])
    tags = {block.tag for block in around}
    return "header" in tags and not tags & {"article", "main"}


def _is_linked(line: Line) -> bool:
    return line.linked > LINK_ROW * line.letters


def _second_look(lines: list[Line], taken: list[bool], places: _Places, thread: bool) -> list[bool]:
    """All visible prose too, where the extractor took little of it. Prose: lines with a 。 that are not links."""
    prose = [
        "。" in line.text and not aside and (thread or not by) and line.linked <= FILL_LINKED * line.letters
        for line, aside, by in zip(lines, places.aside, places.comments, strict=True)
    ]
    seen = _letters(lines, prose)
    if seen < PROSE or _letters(lines, map(bool.__and__, prose, taken)) >= PROSE_TAKEN * seen:
        return taken
    return list(map(bool.__or__, prose, taken))


def _fill(page: Page, taken: list[bool], title: str) -> list[bool]:
    """With the heading above the first line taken, and with every passage between the first and the last.

    A passage is an outermost block without a line taken, or a single line beside such blocks.
    """
    if not any(taken):
        return taken
    lines = page.lines
    taken = _with_heading(page, taken, title)
    first, last = taken.index(True), len(taken) - 1 - taken[::-1].index(True)
    counts, all_letters, all_linked = (
        [0, *accumulate(numbers)]
        for numbers in (taken, (line.letters for line in lines), (line.linked for line in lines))
    )

    def is_text(start: int, end: int) -> bool:
        linked = all_linked[end] - all_linked[start]
        return first < start and end <= last and linked <= FILL_LINKED * (all_letters[end] - all_letters[start])

    inside: list[bool] = []  # of each block: whether a line taken is in it
    filled: list[bool] = []  # whether its lines without one are text
    for block in page.blocks:
        inside.append(counts[block.first] < counts[block.last])
        outermost = block.parent < 0 or inside[block.parent]
        joins = is_text(block.first, block.last) if outermost else filled[block.parent]
        filled.append(joins and not block.aside and not block.comments)
    return [
        take or (is_text(number, number + 1) if inside[line.block] else filled[line.block])
        for number, (line, take) in enumerate(zip(lines, taken, strict=True))
    ]


def _with_heading(page: Page, taken: list[bool], title: str) -> list[bool]:
    """With the nearest line above the first one taken that is an <h1> or in the title of the page; where none is near, with
    a heading of any level right above it."""
    key, first = _key(title), taken.index(True)
    blocks = [page.blocks[line.block] for line in page.lines[:first]]
    near = [
        number
        for number in range(first - 1, max(-1, first - 1 - HEADING_AWAY), -1)
        if not blocks[number].aside and not _is_linked(page.lines[number])
    ]

    def is_title(number: int) -> bool:
        words = _key(page.lines[number].text)
        return blocks[number].tag == "h1" or (len(words) >= GRAM and words.strip("○●■◆") in key)

    right_above = [number for number in near[:1] if number == first - 1 and blocks[number].tag in _HEADINGS]
    chosen = next(filter(is_title, near), next(iter(right_above), -1))
    return [take or number == chosen for number, take in enumerate(taken)]


def _key(text: str) -> str:
    """Without white space, composed as the extractor composes."""
    key = "".join(text.split())
    return key if key.isascii() else normalize("NFC", key)


def _runs(flags: list[bool]) -> Iterator[list[int]]:
    """The numbers of neighbours that are True."""
    for flag, run in groupby(range(len(flags)), key=flags.__getitem__):
        if flag:
            yield list(run)


def _flags(numbers: Iterable[int], size: int) -> list[bool]:
    flags = [False] * size
    for number in numbers:
        flags[number] = True
    return flags


def _letters(lines: list[Line], flags: Iterable[bool]) -> int:
    return sum(line.letters for line, flag in zip(lines, flags, strict=True) if flag)


def _size(lines: list[Line], flags: list[bool]) -> int:
    return sum(len("".join(line.text.split())) for line, flag in zip(lines, flags, strict=True) if flag)
