"""Pages made to try the filters: `data/judge/dirty-*.txt` ought to go, `innocent-*.txt` look alike and ought to stay.

`*-held.txt` were written by somebody who had not seen the lists; no phrase was added for their sake.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "data" / "judge"


class Made(NamedTuple):
    name: str  # 'gambling 07'
    text: str
    dirty: bool
    held: bool

    @property
    def category(self) -> str:
        return self.name.split()[0]


def made_pages() -> list[Made]:
    pages = []
    for path in sorted(FOLDER.glob("*.txt")):
        for page in re.split(r"^=== ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            name, _, text = page.partition("\n")
            pages.append(Made(name, text.strip(), path.stem.startswith("dirty"), path.stem.endswith("held")))
    return pages
