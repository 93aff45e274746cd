"""Whether a file quotes a text: reports, samples and logs that lie beside what was erased."""

from __future__ import annotations

import html
import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from pipeline.store.folder import write
from stages.release.left_out import REMOVALS

WINDOW = 12  # letters that are found again, whatever stands around them; a quotation of 23 holds one such piece whole
MOST = 5_000_000  # pieces held; with more, every report goes
LINES = (".jsonl", ".log", ".txt", ".tsv", ".csv")  # files that can lose a line
# Of a work folder: what holds no report. Committed outputs are erased for themselves (`pipeline/removal/everywhere.py`).
_OTHER = ("stages", "scratch", "selections", "sources.json", REMOVALS)
_TAG = re.compile(r"<[^<>]{0,2000}>")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")


class Quoted:
    """Pieces of texts, and their addresses, to look for."""

    def __init__(self) -> None:
        self._pieces: set[str] = set()
        self._short: set[str] = set()
        self._urls: set[str] = set()
        self.nothing = True

    def add(self, text: str, title: str, url: str) -> None:
        self.nothing = False
        for each in (text, title):
            letters = _letters(each)
            if len(letters) >= WINDOW and len(self._pieces) < MOST:
                self._pieces.update(letters[at : at + WINDOW] for at in range(0, len(letters) - WINDOW + 1, WINDOW))
        if text and len(letters := _letters(text)) < WINDOW:
            self._short.add(letters or text.strip())
        if url:
            self._urls.add(url)

    def quoted_in(self, content: str) -> bool:
        """O(len(content)), and that of the addresses and the texts under WINDOW letters for each of these."""
        if len(self._pieces) >= MOST:
            return True
        plain = html.unescape(_ESCAPE.sub(lambda code: chr(int(code[1], 16)), content))
        if any(url in plain for url in self._urls):
            return True
        letters = _letters(_TAG.sub("", plain))
        if any(text and text in letters for text in self._short):
            return True
        return any(letters[at : at + WINDOW] in self._pieces for at in range(len(letters) - WINDOW + 1))

    def strike(self, file: Path) -> bool:
        """Take what is quoted out of a file: its lines where it has lines, else the file. Whether it had any."""
        try:
            content = file.read_bytes().decode()
        except UnicodeDecodeError:  # of a form that cannot be looked into, and made again from what is committed
            file.unlink()
            return True
        if not self.quoted_in(content):
            return False
        left = "".join(line for line in content.splitlines(keepends=True) if not self.quoted_in(line))
        if file.suffix in LINES and not self.quoted_in(left):
            write(file, left.encode())
        else:
            file.unlink()
        return True


def reports(work: Path) -> Iterator[Path]:
    """Files of a work folder that may quote a document, and whose loss costs no result."""
    for place in sorted(work.iterdir()):
        if place.name in _OTHER or place.name.startswith(f"{Path(REMOVALS).stem}."):
            continue
        yield from _files(place)


def beside(release: Path) -> Iterator[Path]:
    """Reports that somebody put into a release."""
    for file in _files(release):
        if file.suffix == ".html":
            yield file


def _files(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
    for folder, _, names in sorted(os.walk(place)):
        yield from (Path(folder, name) for name in sorted(names))


def _letters(text: str) -> str:
    """What is left of a text in any rendering of it: letters and digits, widths folded."""
    return "".join(c for c in unicodedata.normalize("NFKC", text) if c.isalnum())
