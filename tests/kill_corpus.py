"""A small corpus in which every stage has something to do, for tests that kill what works on it."""

from __future__ import annotations

import random
from pathlib import Path

from tests.corpora import documents, own, text
from tests.runs import recipe, source

NOTICE = "この記事は港町の便りをまとめたもので、無断での転載を固くお断りします。"

RULES = """
[filters]
select = ["JA001", "JA201"]
[[measure]]
name = "wording"
kind = "list"
path = "wording.txt"
at_most = 0.5
because = "shops"
[template_lines]
host_documents = 3
[splits]
validation = 0.2
test = 0.1
[repeat]
2 = 2
3 = 0
[stages.dedup]
wipeout = 1.0
levels = ["url", "exact", "near"]
"""
STRICTER = '[filters.bounds.JA201]\nat_least = 200\nbecause = "a change"\n'  # characters: some documents go


def kill_corpus(folder: Path, files: int = 2, pages: int = 9) -> Path:
    """The recipe. `files` of the web with `pages` each, and one of documents that join at dedup."""
    rng = random.Random(files)
    (folder / "wording.txt").write_text("限定プレゼント\n", encoding="utf-8")
    web = []
    for file in range(files):
        rows = []
        for page in range(pages):
            number = file * pages + page
            body = text(number % (files * pages - 4), 14)  # four are written twice
            if page == 1:
                body = text(number - 1, 14)[: rng.randint(-9, -3)] + "終わり。"  # alike, not equal
            if page == 2:
                body = "限定プレゼント" * 60  # goes for its wording
            host = f"{'ab'[number % 2]}.example"
            rows.append({"id": f"w{number}", "url": f"https://{host}/{number}", "text": f"{body}\n{NOTICE}"})
        web.append(documents(folder, f"web-{file}", rows))
        with web[-1].open("a", encoding="utf-8") as lines:
            lines.write('{"id": "cut off", "te\n')  # quarantined
    old = documents(folder, "old", [{"id": f"o{n}", "text": f"{text(n, 14)}\n{NOTICE}"} for n in (5, 900)])
    against = (
        f'[dedup]\nagainst = [{{ name = "old", files = ["{old.name}"], text_column = "text", id_column = "id" }}]\n'
    )
    books = [{"id": f"b{n}", "url": "", "text": text(n if n < 3 else 1000 + n, 14)} for n in range(6)]
    sources = source("web", "jsonl", *web, license="CC0-1.0", id_column="id", url_column="url")
    sources += f"tokens_per_host = {50 * files * pages}\n"
    return recipe(folder, RULES + against + sources + own(documents(folder, "books", books), name="books"))


def stricter(recipe: Path) -> Path:
    """The same recipe with one more bound: most of its release is another."""
    changed = recipe.with_name("stricter.toml")
    changed.write_text(recipe.read_text(encoding="utf-8").replace("[[measure]]", STRICTER + "[[measure]]", 1), "utf-8")
    return changed
